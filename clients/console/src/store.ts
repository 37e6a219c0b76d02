// What the page knows, and since when. Asked for once a second while somebody looks; when the
// server goes away what was last heard stays, with its age.
import {useEffect, useState} from 'preact/hooks';
import {get, Refused} from './api';
import type {Blocking, History, Overview, Version} from './model';

export interface Sample {
  at: number; // milliseconds since 1970
  up: boolean; // the server answered
  linked: boolean; // … and there was a coordinator
  waiting: Record<string, number>; // sessions, by participant
  inDoubt: number;
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
  paused: boolean;
  samples: Sample[];
  history?: History;
}

// What pictures of time show: as much as is known, from one minute to five.
export function shownMinutes(samples: Sample[], now: number): number {
  const known = samples.length === 0 ? 0 : (now - samples[0].at) / 60_000;
  return Math.min(5, Math.max(1, Math.ceil(known)));
}

const mostSamples = 900;
const interval = 1000;
const unseenInterval = 10_000;

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

export function pause(paused: boolean) {
  learn({paused});
  if (!paused) poll();
}

function rates(before: Overview | undefined, now: Overview) {
  if (!before || before.epoch !== now.epoch) return {};
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

function keep(sample: Sample): Sample[] {
  return [...known.samples.slice(-(mostSamples - 1)), sample];
}

// A participant was watching before the page was opened.
async function learnPast() {
  if (!isParticipant(known)) return;
  const history = await get<History>('/v1/blocking/history');
  if (known.samples.length === 0) {
    const name = known.version!.participant!;
    learn({
      samples: history.samples.map(each => ({
        at: each.at_ms,
        up: true,
        linked: each.linked,
        waiting: {[name]: each.waiting},
        inDoubt: each.in_doubt,
      })),
    });
  }
  learn({history});
}

async function hear() {
  if (!known.version) learn({version: await get<Version>('/v1/version')});
  await learnPast();
  const [blocking, overview] = await Promise.all([
    get<Blocking>('/v1/blocking').catch(unlessRefused),
    isParticipant(known) ? undefined : get<Overview>('/v1/overview').catch(unlessRefused),
  ]);
  const sample = {
    ...sampleOf(blocking, true),
    ...(overview ? rates(known.overview, overview) : {}),
  };
  if (blocking) remember(blocking);
  learn({
    blocking: blocking ?? known.blocking,
    overview: overview ?? known.overview,
    heardAt: Date.now(),
    lostAt: undefined,
    samples: keep(sample),
  });
}

// A refusal is an answer: the server is there.
function unlessRefused(error: unknown): undefined {
  if (!(error instanceof Refused)) throw error;
}

let asking = false;
let timer: ReturnType<typeof setTimeout> | undefined;

export async function poll() {
  if (asking) return;
  clearTimeout(timer);
  asking = true;
  try {
    await hear();
  } catch {
    const nobody: Blocking | undefined = undefined;
    learn({
      lostAt: known.lostAt ?? known.heardAt ?? Date.now(),
      samples: keep(sampleOf(nobody, false)),
    });
  }
  asking = false;
  if (!known.paused) timer = setTimeout(poll, document.hidden ? unseenInterval : interval);
}

document.addEventListener('visibilitychange', () => document.hidden || known.paused || poll());

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
