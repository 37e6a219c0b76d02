// What the page knows, and since when. What blocks is followed while somebody looks; when the
// server goes away what was last heard stays, with its age.
import {useEffect, useState} from 'preact/hooks';
import {get, Refused, setToken} from './api';
import type {Blocking, History, Overview, Version} from './model';
import {joined, samplesOf} from './past';
import {follow} from './stream';

export interface Sample {
  at: number; // milliseconds since 1970
  up: boolean; // the server answered
  linked: boolean; // … and there was a coordinator
  waiting: Record<string, number>; // sessions, by participant
  inDoubt?: number;
  committed?: number; // a second
  aborted?: number;
  latencyUs?: number;
}

export interface Known {
  version?: Version;
  overview?: Overview;
  blocking?: Blocking;
  heardAt?: number; // when this origin last answered
  lostAt?: number; // set: it does not answer; since then
  tokenAsked?: string; // set: it does not tell this to whoever asks; in its words
  paused: boolean;
  samples: Sample[];
  history?: History;
}

// What pictures of time show: as much as is known, from one minute to so many.
export function shownMinutes(samples: Sample[], now: number, most = 5): number {
  const known = samples.length === 0 ? 0 : (now - samples[0].at) / 60_000;
  return Math.min(most, Math.max(1, Math.ceil(known)));
}

const mostSamples = 900;
const interval = 1000;
const unseenInterval = 10_000;
const silence = 6000; // the server tells once a second

let known: Known = {paused: false, samples: []};
const watchers = new Set<() => void>();

export function useKnown(): Known {
  const [, redraw] = useState(0);
  useEffect(() => {
    const watcher = () => redraw(n => n + 1);
    watchers.add(watcher);
    return () => void watchers.delete(watcher);
  }, []);
  return known;
}

function learn(news: Partial<Known>) {
  known = {...known, ...news};
  for (const watcher of watchers) watcher();
}

export const isParticipant = (now: Known) => now.version?.participant !== undefined;

function rates(before: Overview | undefined, now: Overview) {
  if (!before || before.epoch !== now.epoch || before.at === now.at) return {};
  const seconds = Math.max(0.1, (Date.parse(now.at) - Date.parse(before.at)) / 1000);
  const a = before.since_start,
    b = now.since_start;
  const answers = b.committed + b.aborted + b.other - a.committed - a.aborted - a.other;
  return {
    committed: (b.committed - a.committed) / seconds,
    aborted: (b.aborted - a.aborted) / seconds,
    latencyUs: answers > 0 ? (b.answer_us - a.answer_us) / answers : undefined,
  };
}

function sampleOf(blocking: Blocking | undefined, up: boolean): Sample {
  const waiting: Record<string, number> = {};
  for (const each of blocking?.databases ?? [])
    if (each.answers) waiting[each.participant] = each.waiting?.all ?? 0;
  return {
    at: Date.now(),
    up,
    linked: up && blocking?.summary.coordinator !== 'away',
    waiting,
    inDoubt: blocking?.summary.transactions_in_doubt ?? 0,
  };
}

// Once a second: what is known goes into the pictures of time.
function keep(sample: Sample) {
  learn({samples: [...known.samples.slice(-(mostSamples - 1)), sample]});
}

// ---- what blocks --------------------------------------------------------------------------------

// The server was watching before the page was opened.
async function learnPast() {
  const history = await get<History>('/v1/blocking/history');
  learn({history, samples: joined(known.samples, samplesOf(history), mostSamples)});
}

async function prepare() {
  const version = await get<Version>('/v1/version');
  if (version.participant !== known.version?.participant || !known.version) learn({version});
  await learnPast();
}

const rootsOf = (blocking: Blocking | undefined) =>
  (blocking?.databases ?? []).flatMap(each => each.roots.map(root => root.gid ?? root.pid));

function heard(blocking: Blocking) {
  const now = new Set(rootsOf(blocking));
  const ended = rootsOf(known.blocking).some(each => !now.has(each));
  remember(blocking);
  learn({blocking, heardAt: Date.now(), lostAt: undefined, tokenAsked: undefined});
  if (ended) learnPast().catch(down);
}

// A refusal is an answer: the server is there.
function down(error: unknown) {
  if (error instanceof Refused) {
    if (error.wantsToken) learn({tokenAsked: error.message, blocking: undefined});
    learn({lostAt: undefined});
  } else {
    learn({lostAt: known.lostAt ?? known.heardAt ?? Date.now()});
  }
}

let stop: (() => void) | undefined;

function listen() {
  stop?.();
  stop = undefined;
  if (known.paused || known.tokenAsked !== undefined) return;
  const path = '/v1/blocking';
  stop = follow({
    path,
    silence,
    prepare,
    heard: (_, data) => heard(JSON.parse(data)),
    down: failed,
  });
}

function failed(error: unknown) {
  down(error);
  if (known.tokenAsked !== undefined) listen();
}

export function pause(paused: boolean) {
  learn({paused});
  listen();
}

// Shows who asks, or nobody any more.
export function showToken(token: string | undefined) {
  setToken(token);
  learn({tokenAsked: undefined, blocking: undefined, overview: undefined, history: undefined});
  listen();
}

// ---- how it goes --------------------------------------------------------------------------------

async function look() {
  try {
    if (document.hidden) heard(await get<Blocking>('/v1/blocking'));
    if (isParticipant(known)) return {};
    const overview = await get<Overview>('/v1/overview');
    const found = rates(known.overview, overview);
    learn({overview});
    return found;
  } catch (error) {
    if (document.hidden) down(error);
    return {};
  }
}

let looking = false;
let lookedAt = 0;

async function tick() {
  const due = Date.now() - lookedAt >= (document.hidden ? unseenInterval : 0);
  if (known.paused || looking || !due || known.tokenAsked !== undefined) return;
  lookedAt = Date.now();
  looking = true;
  const found = known.version ? await look() : {};
  looking = false;
  const up = known.lostAt === undefined;
  if (known.blocking || !up) keep({...sampleOf(up ? known.blocking : undefined, up), ...found});
}

export function start() {
  listen();
  setInterval(tick, interval);
}

// ---- where else to look -------------------------------------------------------------------------

// Where the participants serve their consoles: needed when the coordinator is gone, so kept.
const shelf = 'assent.consoles';

export function consoles(): Record<string, string> {
  try {
    return JSON.parse(localStorage.getItem(shelf) ?? '{}');
  } catch {
    return {};
  }
}

function remember(blocking: Blocking) {
  const now = consoles();
  for (const each of blocking.databases)
    if (each.console?.startsWith('http')) now[each.participant] = each.console;
  const text = JSON.stringify(now);
  if (text !== localStorage.getItem(shelf)) localStorage.setItem(shelf, text);
}

// The clock that ages are counted with.
export function useNow(): number {
  const [now, set] = useState(Date.now());
  useEffect(() => {
    const every = setInterval(() => set(Date.now()), 1000);
    return () => clearInterval(every);
  }, []);
  return now;
}
