// One transaction as lanes, a party each: what it did, when it was bound by its vote, and what it
// may do alone. The same rules as `assent show`.
import type {Blocking, Happening, Root, Timeline} from './model';
import {object, sessionName} from './blast';
import {count, span} from './format';
import {holdUps} from './hold_ups';

export interface Stretch {
  from: number; // microseconds since the begin
  to: number;
  kind: 'asks' | 'up' | 'works' | 'bound' | 'told' | 'locks' | 'waits';
  text: string;
}

export interface Mark {
  at: number;
  kind: 'step' | 'decision' | 'start' | 'yes' | 'no' | 'cut' | 'end' | 'damage';
  text: string;
}

export interface Lane {
  party: string;
  kind: 'client' | 'coordinator' | 'participant' | 'locks' | 'waiter' | 'held_up';
  stretches: Stretch[];
  marks: Mark[];
  alone: string; // what it may do alone at this moment, and why; empty: nothing to say
}

export interface Picture {
  length: number; // microseconds
  over: boolean;
  lanes: Lane[];
}

const mostWaiters = 6; // drawn of each branch; the table has them all

export function isOver(state: string): boolean {
  return state === 'committed' || state === 'aborted';
}

// `now`: age of the transaction, where it is not over. `lost`: for so long the coordinator has not
// been reached. All in microseconds.
// `parties`: participants that may have done nothing yet.
export function draw(
  timeline: Timeline,
  now: number,
  blocking?: Blocking,
  lost = 0,
  parties: string[] = [],
): Picture {
  const over = isOver(timeline.state);
  const last = Math.max(0, ...timeline.events.map(each => each.after_us ?? 0));
  const length = Math.max(1, last, over ? 0 : now);
  const named = timeline.events.flatMap(each => each.participant ?? []);
  const names = [...new Set([...named, ...parties])];
  const lanes = [clientLane(timeline, length), coordinatorLane(timeline, length, over, lost)];
  for (const name of names) {
    const lane = participantLane(timeline, name, length, over);
    if (!over) bindPrepared(lane, timeline, rootOf(timeline, name, blocking), length);
    lanes.push(
      lane,
      ...lockLanes(timeline, name, lane, length, blocking),
      ...heldUpLanes(timeline, name, length, over ? undefined : blocking),
    );
  }
  return {length, over, lanes};
}

const at = (event: Happening) => event.after_us ?? 0;

function clientLane(timeline: Timeline, length: number): Lane {
  const kinds: Record<string, string> = {
    begun: 'begins',
    commit_asked: 'asks for commit',
    rollback_asked: 'asks for rollback',
    answered: 'is answered',
  };
  const events = timeline.events.filter(each => each.kind in kinds);
  const answered = events.some(each => each.kind === 'answered');
  const lane: Lane = {party: 'client', kind: 'client', stretches: [], marks: [], alone: ''};
  if (events.length > 0)
    lane.stretches.push({
      from: at(events[0]),
      to: answered ? at(events[events.length - 1]) : length,
      kind: 'asks',
      text: answered ? 'waited for its answer' : 'waits for its answer',
    });
  for (const each of events)
    lane.marks.push({
      at: at(each),
      kind: 'step',
      text: kinds[each.kind] + (each.detail ? `: ${each.detail}` : ''),
    });
  if (!isOver(timeline.state))
    lane.alone = answered
      ? 'has its answer'
      : 'may ask again; never knows more than the coordinator tells it';
  return lane;
}

// A start in the middle means that it was away: since when, only its absence tells.
function coordinatorLane(timeline: Timeline, length: number, over: boolean, lost: number): Lane {
  const lane: Lane = {
    party: 'coordinator',
    kind: 'coordinator',
    stretches: [],
    marks: [],
    alone: '',
  };
  let from = 0,
    last = 0,
    decided = '';
  for (const each of timeline.events) {
    if (each.kind === 'started') {
      lane.stretches.push({from, to: last, kind: 'up', text: 'runs'});
      lane.marks.push({at: at(each), kind: 'start', text: 'starts again, and reads its ledger'});
      from = at(each);
    }
    if (each.kind === 'decided') {
      decided = each.detail ?? 'decided';
      lane.marks.push({at: at(each), kind: 'decision', text: `decides: ${decided}`});
    }
    last = at(each);
  }
  const seen = over ? length : Math.max(from, length - lost);
  lane.stretches.push({from, to: seen, kind: 'up', text: 'runs'});
  if (over) return lane;
  if (lost > 0) {
    lane.marks.push({at: seen, kind: 'cut', text: 'not reached since'});
    lane.alone = 'is not reached: whether it has decided, only its ledger knows';
    return lane;
  }
  lane.alone = decided
    ? `has decided ${decided}, for good: tells it until every participant has applied it`
    : 'may still abort; may commit only when every vote is yes and its record is on disk';
  return lane;
}

function firstOf(events: Happening[], kinds: string[]): Happening | undefined {
  return events.find(each => kinds.includes(each.kind));
}

function participantLane(timeline: Timeline, name: string, length: number, over: boolean): Lane {
  const own = timeline.events.filter(each => each.participant === name);
  const lane: Lane = {party: name, kind: 'participant', stretches: [], marks: [], alone: ''};
  // An external branch may be asked for again and again before it is prepared.
  const vote = own.find(each => each.kind === 'voted' && each.detail !== 'not_yet');
  const begin = firstOf(own, ['statements_sent', 'prepare_sent']);
  const order = firstOf(own, ['commit_sent', 'abort_sent']);
  const end = firstOf(own, ['applied', 'damaged']);
  const told = order ? at(order) : length;
  const voted = vote ? at(vote) : told;
  if (begin)
    lane.stretches.push({
      from: at(begin),
      to: voted,
      kind: 'works',
      text: 'works; may abort by itself',
    });
  const bound = vote?.detail === 'yes' || (!vote && firstOf(own, ['commit_sent']) !== undefined);
  if (bound) {
    lane.stretches.push({
      from: vote ? voted : 0,
      to: told,
      kind: 'bound',
      text: 'voted yes: bound by the decision, which it does not know',
    });
    if (order)
      lane.stretches.push({
        from: told,
        to: end ? at(end) : length,
        kind: 'told',
        text: 'knows the decision, applies it',
      });
  }
  if (vote)
    lane.marks.push({
      at: voted,
      kind: vote.detail === 'no' ? 'no' : 'yes',
      text: `votes ${vote.detail ?? ''}`,
    });
  for (const each of own) {
    if (each.kind === 'disconnected')
      lane.marks.push({at: at(each), kind: 'cut', text: 'its link is cut'});
    if (each.kind === 'applied')
      lane.marks.push({
        at: at(each),
        kind: 'end',
        text: `has ended its part: ${each.detail ?? 'applied'}`,
      });
    if (each.kind === 'damaged')
      lane.marks.push({
        at: at(each),
        kind: 'damage',
        text: 'ended against the decision, or nobody knows how',
      });
  }
  if (!over) lane.alone = alone(vote, order, end);
  return lane;
}

function rootOf({id}: Timeline, name: string, blocking?: Blocking): Root | undefined {
  return blocking?.databases
    .find(each => each.participant === name)
    ?.roots.find(each => each.transaction === id);
}

// What an application has prepared (external) is bound before anybody asks for its vote.
function bindPrepared(lane: Lane, {events}: Timeline, root: Root | undefined, length: number) {
  const known = events.some(
    each =>
      each.participant === lane.party &&
      ['commit_sent', 'abort_sent', 'voted'].includes(each.kind) &&
      each.detail !== 'not_yet',
  );
  if (known || root?.knowledge?.state !== 'in_doubt') return;
  lane.stretches.push({
    from: Math.max(0, length - (root.age_ms ?? 0) * 1000),
    to: length,
    kind: 'bound',
    text: 'prepared: bound by the decision, which it does not know',
  });
  lane.alone = 'may do nothing: it is prepared, and holds its locks until the decision';
}

// The lesson of two-phase commit.
export function alone(vote?: Happening, order?: Happening, end?: Happening): string {
  if (end) return 'has ended its part';
  if (order) return 'knows the decision: carries it out until it is done';
  if (!vote) return 'may still abort: it has promised nothing';
  if (vote.detail === 'yes')
    return 'may do nothing: it voted yes, so the others may commit; it holds its locks';
  return 'has ended its part';
}

// Why its vote does not come: its work waits there.
function heldUpLanes({id}: Timeline, name: string, length: number, blocking?: Blocking): Lane[] {
  const here = (holdUps(blocking).get(id) ?? []).filter(each => each.participant === name);
  return here.map(({waiter, root}) => ({
    party: 'held up',
    kind: 'held_up',
    marks: [],
    alone: '',
    stretches: [
      {
        from: Math.max(0, length - waiter.waiting_ms * 1000),
        to: length,
        kind: 'waits',
        text: `its work waits for ${object(waiter)}, behind ${rootName(root)}`,
      },
    ],
  }));
}

export function rootName(root: Root): string {
  if (root.kind === 'branch') return `transaction ${root.transaction}`;
  if (root.kind === 'foreign') return `the foreign prepared transaction ${root.gid}`;
  return sessionName(root);
}

// The participant's own measure, where it has one.
function heldText(timeline: Timeline, name: string): string {
  const end = timeline.events.find(each => each.participant === name && each.locks_held_us);
  return end ? `held its locks in doubt for ${span(end.locks_held_us!)}` : 'held locks';
}

function lockLanes(
  timeline: Timeline,
  name: string,
  lane: Lane,
  length: number,
  blocking?: Blocking,
): Lane[] {
  const root = rootOf(timeline, name, blocking);
  const held = lane.stretches.filter(each => each.kind !== 'asks');
  // What it holds while it works, only its database could tell.
  if (!root && !held.some(each => each.kind === 'bound')) return [];
  const age = (root?.age_ms ?? 0) * 1000; // where nothing else is known of it
  const from = held[0]?.from ?? Math.max(0, length - age);
  const to = root ? length : held[held.length - 1].to;
  const what = root?.locks
    ?.map(each => each.what)
    .slice(0, 3)
    .join(', ');
  const text = what
    ? `holds ${count(root?.locks_held ?? 0, 'lock', 'locks')}: ${what}`
    : heldText(timeline, name);
  const lanes: Lane[] = [
    {
      party: 'locks',
      kind: 'locks',
      marks: [],
      alone: '',
      stretches: [{from, to, kind: 'locks', text}],
    },
  ];
  for (const waiter of (root?.waiters ?? []).slice(0, mostWaiters)) {
    const since = Math.max(0, length - waiter.waiting_ms * 1000);
    lanes.push({
      party: `${waiter.application || 'session'} ${waiter.pid}`,
      kind: 'waiter',
      marks: [],
      alone: '',
      stretches: [
        {from: since, to: length, kind: 'waits', text: `waits for ${waiter.waits_for.what}`},
      ],
    });
  }
  return lanes;
}
