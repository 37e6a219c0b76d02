// The blast radius: transactions in doubt → what they hold in each database → who waits, laid out
// from left to right.
import {age, count, keyText, shortId} from './format';
import {holdUps} from './hold_ups';
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
  links: Edge[]; // from who holds up the work of a transaction in doubt, to that transaction
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

export function subject(root: Root, participant: string): Subject {
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
    key: `s:${participant}:${root.pid}`, // another server may have the same pid
    kind: 'session',
    title: sessionName(root),
    detail: root.state ?? '',
  };
}

// A session of Assent's own is named by the transaction that it works for.
export function sessionName(session: Pick<Root, 'application' | 'user' | 'pid' | 'works_for'>) {
  const {application, user, pid, works_for: transaction} = session;
  if (transaction) return `work of ${shortId(transaction)} ${pid}`;
  return `${application || user || 'session'} ${pid}`;
}

export function lay(blocking: Blocking): Blast {
  const held = together(blocking, linksOf(blocking)).flatMap(({participant, root}) => {
    const wanted = [...groups(root)];
    if (wanted.length === 0) wanted.push([holds(root), []]);
    return wanted.map(([what, waiters]) => ({participant, root, what, waiters}));
  });
  const each = Math.floor(mostOfAll / Math.max(1, held.length)) - 1;
  const layout = new Layout(Math.min(mostWaiters, Math.max(1, each)), linksOf(blocking));
  for (const {participant, root, what, waiters} of held)
    layout.add(participant, root, what, waiters);
  return layout.done();
}

// Whose branches wait for the vote of another, and who holds that up.
function linksOf(blocking: Blocking): Edge[] {
  const inDoubt = new Set(
    blocking.databases.flatMap(({roots}) =>
      roots.filter(({kind}) => kind === 'branch').map(({transaction}) => transaction ?? ''),
    ),
  );
  const found = new Map<string, Edge>();
  for (const [id, all] of holdUps(blocking))
    for (const {participant, root} of inDoubt.has(id) ? all : []) {
      const link = {from: subject(root, participant).key, to: `t:${id}`};
      if (link.from !== link.to) found.set(`${link.from} ${link.to}`, link);
    }
  return [...found.values()];
}

// The same for a narrow screen: one below the other, and further right what is further behind.
export function stack({nodes, edges, links}: Blast): Blast {
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
  return {nodes: stacked, edges, links, height: Math.max(1, stacked.length) * rowHeight};
}

// The branches of one transaction follow each other, whichever database they are in; and after them
// who holds it up elsewhere.
function together(blocking: Blocking, links: Edge[]): {participant: string; root: Root}[] {
  const all = blocking.databases.flatMap(({participant, roots}) =>
    roots.map(root => ({participant, root, key: subject(root, participant).key})),
  );
  const order = new Map<string, number>();
  const place = (key: string) => {
    if (order.has(key)) return;
    order.set(key, order.size);
    for (const link of links) if (link.to === key) place(link.from);
  };
  for (const {key} of all) place(key);
  return all.sort((a, b) => order.get(a.key)! - order.get(b.key)!);
}

class Layout {
  private nodes: Node[] = [];
  private edges: Edge[] = [];
  private sources = new Map<string, {node: Node; ys: number[]}>();
  private y = 0;

  constructor(
    private readonly most: number,
    private readonly links: Edge[],
  ) {}

  add(participant: string, root: Root, what: string, waiters: Waiter[]) {
    const from = subject(root, participant);
    if (this.links.some(each => each.to === from.key))
      from.detail = `held up elsewhere, in doubt for ${age(root.age_ms ?? 0)}`;
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
      node: {...from, column: 0, y: 0, transaction: root.transaction ?? root.works_for},
      ys: [],
    };
    source.ys.push(y);
    this.sources.set(from.key, source);
  }

  done(): Blast {
    const {nodes, edges, links} = this;
    for (const {node, ys} of this.sources.values())
      nodes.push({...node, y: ys.reduce((sum, each) => sum + each, 0) / ys.length});
    return {nodes, edges, links, height: Math.max(rowHeight, this.y)};
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
        title: sessionName(waiter),
        transaction: waiter.works_for,
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
