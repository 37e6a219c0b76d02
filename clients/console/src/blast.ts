// The blast radius: transactions in doubt → what they hold in each database → who waits, laid out
// from left to right.
import {age, count, keyText, shortId} from './format';
import type {Blocking, Root, Waiter} from './model';

export interface Node {
  key: string;
  kind: 'transaction' | 'foreign' | 'session' | 'hold' | 'waiter' | 'more';
  column: 0 | 1 | 2;
  y: number;
  title: string;
  detail: string;
  transaction?: string;
  level?: number;
}

export interface Edge {
  from: string;
  to: string;
}

export interface Blast {
  nodes: Node[];
  edges: Edge[];
  height: number;
}

export const rowHeight = 46;
const mostWaiters = 10;  // drawn of one thing held; the table has them all

// What a waiter waits for, in the fewest words.
export function object(waiter: Waiter): string {
  const row = waiter.waits_for.row;
  if (!row) return waiter.waits_for.what;
  return row.key ? `row ${keyText(row.key)} of ${row.relation}` : `row (${row.page},${row.line}) of ${row.relation}`;
}

// Waiters by what they want; those behind others stay with them.
export function groups(root: Root): Map<string, Waiter[]> {
  const found = new Map<string, Waiter[]>();
  let current: Waiter[] = [];
  for (const waiter of root.waiters) {
    if (waiter.level === 1) {
      const what = object(waiter);
      current = found.get(what) ?? [];
      found.set(what, current);
    }
    current.push(waiter);
  }
  return found;
}

export function subject(root: Root): {key: string; title: string; detail: string; kind: Node['kind']} {
  if (root.kind === 'branch')
    return {key: `t:${root.transaction}`, kind: 'transaction', title: shortId(root.transaction ?? ''),
      detail: `${root.knowledge?.text ?? ''}, ${age(root.age_ms ?? 0)}`};
  if (root.kind === 'foreign')
    return {key: `f:${root.gid}`, kind: 'foreign', title: `foreign: ${root.gid ?? 'not listed'}`, detail: root.knowledge?.text ?? ''};
  return {key: `s:${root.pid}`, kind: 'session', title: `${root.application || 'session'} ${root.pid}`, detail: root.state ?? ''};
}

export function lay(blocking: Blocking): Blast {
  const nodes: Node[] = [];
  const edges: Edge[] = [];
  const sources = new Map<string, {node: Node; ys: number[]}>();
  let y = 0;
  const next = () => (y += rowHeight) - rowHeight;
  const order: {participant: string; root: Root}[] = [];
  for (const database of blocking.databases)
    for (const root of database.roots) order.push({participant: database.participant, root});
  const keyOf = (root: Root) => subject(root).key;
  const first = new Map<string, number>();
  order.forEach((each, i) => first.has(keyOf(each.root)) || first.set(keyOf(each.root), i));
  order.sort((a, b) => first.get(keyOf(a.root))! - first.get(keyOf(b.root))!);

  for (const {participant, root} of order) {
    const from = subject(root);
    const source = sources.get(from.key) ??
      {node: {...from, column: 0 as const, y: 0, transaction: root.transaction}, ys: []};
    sources.set(from.key, source);
    const wanted = groups(root);
    if (wanted.size === 0) wanted.set(holds(root), []);
    for (const [what, waiters] of wanted) {
      const key = `h:${participant}:${from.key}:${what}`;
      const top = y;
      for (const [i, waiter] of waiters.slice(0, mostWaiters).entries()) {
        const id = `w:${participant}:${waiter.pid}`;
        nodes.push({key: id, kind: 'waiter', column: 2, y: next(), level: waiter.level,
          title: `${waiter.application || waiter.user || 'session'} ${waiter.pid}`,
          detail: `${waiter.level > 1 ? 'behind others, ' : ''}${waiter.mode}, ${age(waiter.waiting_ms)}`});
        edges.push({from: waiter.level > 1 && i > 0 ? parentOf(waiters, i, participant) : key, to: id});
      }
      if (waiters.length > mostWaiters) {
        nodes.push({key: `m:${key}`, kind: 'more', column: 2, y: next(), detail: 'in the table below',
          title: count(waiters.length - mostWaiters, 'more session', 'more sessions')});
        edges.push({from: key, to: `m:${key}`});
      }
      if (waiters.length === 0) next();
      const middle = (top + y - rowHeight) / 2;
      nodes.push({key, kind: 'hold', column: 1, y: middle, title: `${participant}: ${what}`,
        detail: waiters.length ? count(waiters.length, 'session waits', 'sessions wait') : 'nobody waits'});
      edges.push({from: from.key, to: key});
      source.ys.push(middle);
    }
  }
  for (const {node, ys} of sources.values())
    nodes.push({...node, y: ys.reduce((sum, each) => sum + each, 0) / ys.length});
  return {nodes, edges, height: Math.max(rowHeight, y)};
}

function parentOf(waiters: Waiter[], index: number, participant: string): string {
  let i = index - 1;
  while (waiters[i].level >= waiters[index].level) --i;
  return `w:${participant}:${waiters[i].pid}`;
}

function holds(root: Root): string {
  const tables = (root.locks ?? []).filter(each => each.kind !== 'index');
  if (tables.length === 0) return root.kind === 'session' ? 'its locks' : 'no table';
  return tables.length === 1 ? tables[0].what : `${tables[0].what} and ${tables.length - 1} more`;
}
