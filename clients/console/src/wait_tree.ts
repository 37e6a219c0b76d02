// The wait tree as rows, for a treegrid.
import {object, sessionName, subject} from './blast';
import {age} from './format';
import type {Blocking, Root, Waiter} from './model';

export interface TreeRow {
  key: string;
  level: number;
  parents: string[];
  hasChildren: boolean;
  participant: string;
  who: string;
  what: string;
  since: string;
  query: string;
  root?: Root;
  worksFor?: string; // a transaction
}

function name(waiter: Waiter): string {
  const {application, user, works_for: transaction} = waiter;
  const own = sessionName(waiter);
  return application && user && !transaction ? `${own} (${user})` : own;
}

export function rows(blocking: Blocking): TreeRow[] {
  const found: TreeRow[] = [];
  for (const {participant, roots} of blocking.databases)
    for (const root of roots) {
      const head = subject(root, participant);
      const key = `${participant} ${head.key}`;
      found.push({
        key,
        level: 1,
        parents: [],
        hasChildren: root.waiters.length > 0,
        participant,
        root,
        worksFor: root.works_for,
        who: head.title,
        what: root.knowledge?.text ?? root.state ?? '',
        since: age(root.age_ms ?? root.transaction_ms ?? 0),
        query: root.query ?? '',
      });
      const path = [key];
      root.waiters.forEach((waiter, i) => {
        path.length = waiter.level;
        const own = `${key} ${waiter.pid}`;
        found.push({
          key: own,
          level: waiter.level + 1,
          parents: [...path],
          participant,
          hasChildren: (root.waiters[i + 1]?.level ?? 0) > waiter.level,
          who: name(waiter),
          worksFor: waiter.works_for,
          what: `${waiter.mode} on ${object(waiter)}`,
          since: age(waiter.waiting_ms),
          query: waiter.query ?? waiter.query_hidden ?? '',
        });
        path.push(own);
      });
    }
  return found;
}

export function visible(all: TreeRow[], closed: Set<string>): TreeRow[] {
  return all.filter(row => !row.parents.some(each => closed.has(each)));
}
