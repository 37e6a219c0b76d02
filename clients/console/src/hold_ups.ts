// What no database sees alone: a transaction's work waits in one, while its branches in others are
// bound and hold their locks.
import type {Blocking, Root, Waiter} from './model';

export interface HoldUp {
  participant: string; // where its work waits
  waiter: Waiter; // the session that works for it there
  root: Root; // whom that waits for in the end
}

// By transaction.
export function holdUps(blocking?: Blocking): Map<string, HoldUp[]> {
  const found = new Map<string, HoldUp[]>();
  for (const {participant, answers, roots} of blocking?.databases ?? []) {
    if (!answers) continue; // what was so then holds nobody up
    for (const root of roots)
      for (const waiter of root.waiters) {
        const id = waiter.works_for;
        if (id) found.set(id, [...(found.get(id) ?? []), {participant, waiter, root}]);
      }
  }
  return found;
}
