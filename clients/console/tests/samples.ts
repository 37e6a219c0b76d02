// What the tests of the console's functions are about.
import type {Blocking, Database, Root, Timeline, Waiter} from '../src/model';

export const tx = '01a1febb-352b-74ef-aba4-3388e2981c8d';

export function waiter(pid: number, level: number, what = 'row 1'): Waiter {
  return {
    pid,
    level,
    application: 'shop',
    mode: 'ShareLock',
    waiting_ms: 41_000,
    blocked_by: [],
    waits_for: {type: 'tuple', what, queue_position: 0},
  };
}

export function root(waiters: Waiter[], more: Partial<Root> = {}): Root {
  return {
    kind: 'branch',
    gid: 'g',
    transaction: tx,
    age_ms: 42_000,
    knowledge: {state: 'in_doubt', text: 'voted yes'},
    frees: {by: 'coordinator', what: 'its return', then: 'it ends'},
    waiting: waiters.length,
    waiters,
    ...more,
  };
}

export function blocking(databases: Record<string, Root[]>, away = false): Blocking {
  const all = Object.values(databases).flat();
  const held = all.reduce((sum, each) => sum + each.waiting, 0);
  return {
    sentence: 'The server says so.',
    partial: false,
    summary: {
      transactions_in_doubt: all.length ? 1 : 0,
      transactions_applying: 0,
      databases: 1,
      oldest_ms: 0,
      sessions_waiting: held,
      sessions_held: held,
      foreign_prepared: 0,
      coordinator: away ? 'away' : 'here',
    },
    databases: Object.entries(databases).map(([participant, roots]): Database => ({
      participant,
      answers: true,
      roots,
    })),
  };
}

export function timeline(state: string, events: [number, string, string?, string?][]): Timeline {
  return {
    id: tx,
    state,
    outcome: 'unknown',
    age_us: 50,
    omitted: 0,
    events: events.map(
      ([after_us, kind, participant, detail]) =>
        ({
          at: '2026-07-01T12:00:00.000000Z',
          after_us,
          kind,
          participant,
          detail,
        }) as Timeline['events'][number],
    ),
  };
}
