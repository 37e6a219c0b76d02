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
  depth?: number; // in a stack: how far to the right
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
// Drawn of one thing held, and of all: a picture is for the first glance, the table has them all.
const mostWaiters = 10;
const mostOfAll = 40;

// What a waiter waits for, in the fewest words.
export function object(waiter: Waiter): string {
  const row = waiter.waits_for.row;
  if (!row) return waiter.waits_for.what;
  return row.key
    ? `row ${keyText(row.key)} of ${row.relation}`
    : `row (${row.page},${row.line}) of ${row.relation}`;
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

export type Subject = Pick<Node, 'key' | 'title' | 'detail' | 'kind'>;

export function subject(root: Root): Subject {
  if (root.kind === 'branch')
    return {
      key: `t:${root.transaction}`,
      kind: 'transaction',
      title: shortId(root.transaction ?? ''),
      detail: `${root.knowledge?.text ?? ''}, ${age(root.age_ms ?? 0)}`,
    };
  if (root.kind === 'foreign')
    return {
      key: `f:${root.gid}`,
      kind: 'foreign',
      title: `foreign: ${root.gid ?? 'not listed'}`,
      detail: root.knowledge?.text ?? '',
    };
  return {
    key: `s:${root.pid}`,
    kind: 'session',
    title: `${root.application || 'session'} ${root.pid}`,
    detail: root.state ?? '',
  };
}

export function lay(blocking: Blocking): Blast {
  const held = together(blocking).flatMap(({participant, root}) => {
    const wanted = [...groups(root)];
    if (wanted.length === 0) wanted.push([holds(root), []]);
    return wanted.map(([what, waiters]) => ({participant, root, what, waiters}));
  });
  const each = Math.floor(mostOfAll / Math.max(1, held.length)) - 1;
  const layout = new Layout(Math.min(mostWaiters, Math.max(1, each)));
  for (const {participant, root, what, waiters} of held)
    layout.add(participant, root, what, waiters);
  return layout.done();
}

// The same for a narrow screen: one below the other, and further right what is further behind.
export function stack({nodes, edges}: Blast): Blast {
  const inOrder = [...nodes].sort((a, b) => a.y - b.y);
  const left = new Map(inOrder.map(node => [node.key, node]));
  const stacked: Node[] = [];
  const put = (key: string, depth: number) => {
    const node = left.get(key);
    if (!node) return;
    left.delete(key);
    stacked.push({...node, depth, y: stacked.length * rowHeight});
    const behind = new Set(edges.filter(each => each.from === key).map(each => each.to));
    for (const next of inOrder) if (behind.has(next.key)) put(next.key, depth + 1);
  };
  const behindOthers = new Set(edges.map(each => each.to));
  for (const {key} of inOrder) if (!behindOthers.has(key)) put(key, 0);
  return {nodes: stacked, edges, height: Math.max(1, stacked.length) * rowHeight};
}

// The branches of one transaction follow each other, whichever database they are in.
function together(blocking: Blocking): {participant: string; root: Root}[] {
  const all = blocking.databases.flatMap(({participant, roots}) =>
    roots.map(root => ({participant, root, key: subject(root).key})),
  );
  const first = new Map<string, number>();
  all.forEach(({key}, i) => first.has(key) || first.set(key, i));
  return all.sort((a, b) => first.get(a.key)! - first.get(b.key)!);
}

class Layout {
  private nodes: Node[] = [];
  private edges: Edge[] = [];
  private sources = new Map<string, {node: Node; ys: number[]}>();
  private y = 0;

  constructor(private readonly most: number) {}

  add(participant: string, root: Root, what: string, waiters: Waiter[]) {
    const from = subject(root);
    const key = `h:${participant}:${from.key}:${what}`;
    const top = this.y;
    this.addWaiters(participant, key, waiters);
    if (waiters.length === 0) this.next();
    const y = (top + this.y - rowHeight) / 2;
    const detail = waiters.length
      ? count(waiters.length, 'session waits', 'sessions wait')
      : 'nobody waits';
    this.nodes.push({key, kind: 'hold', column: 1, y, title: `${participant}: ${what}`, detail});
    this.edges.push({from: from.key, to: key});
    const source = this.sources.get(from.key) ?? {
      node: {...from, column: 0, y: 0, transaction: root.transaction},
      ys: [],
    };
    source.ys.push(y);
    this.sources.set(from.key, source);
  }

  done(): Blast {
    for (const {node, ys} of this.sources.values())
      this.nodes.push({...node, y: ys.reduce((sum, each) => sum + each, 0) / ys.length});
    return {nodes: this.nodes, edges: this.edges, height: Math.max(rowHeight, this.y)};
  }

  private next(): number {
    this.y += rowHeight;
    return this.y - rowHeight;
  }

  private addWaiters(participant: string, held: string, waiters: Waiter[]) {
    waiters.slice(0, this.most).forEach((waiter, i) => {
      const behind = waiter.level > 1 && i > 0;
      const key = `w:${participant}:${waiter.pid}`;
      this.nodes.push({
        key,
        kind: 'waiter',
        column: 2,
        y: this.next(),
        level: waiter.level,
        title: `${waiter.application || waiter.user || 'session'} ${waiter.pid}`,
        detail: `${behind ? 'behind others, ' : ''}${waiter.mode}, ${age(waiter.waiting_ms)}`,
      });
      this.edges.push({from: behind ? parentOf(waiters, i, participant) : held, to: key});
    });
    const left = waiters.slice(this.most);
    if (left.length === 0) return;
    const title = count(left.length, 'more session', 'more sessions');
    const detail = applications(left);
    this.nodes.push({key: `m:${held}`, kind: 'more', column: 2, y: this.next(), title, detail});
    this.edges.push({from: held, to: `m:${held}`});
  }
}

// "shop-api 200, reports 90"
function applications(waiters: Waiter[]): string {
  const counts = new Map<string, number>();
  for (const {application} of waiters) {
    const name = application || 'no name';
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  const most = [...counts].sort((a, b) => b[1] - a[1]);
  return most.map(([name, n]) => `${name} ${n}`).join(', ');
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
