// What is drawn: the blast radius, lanes, the tree and the strip, as values.
import assert from 'node:assert/strict';
import test from 'node:test';
import {groups, lay, object, stack} from '../src/blast';
import {alone, draw} from '../src/lanes';
import {slices, told} from '../src/strip';
import {rows, visible} from '../src/wait_tree';
import {blocking, root, timeline, tx, waiter} from './samples';

// `tx` is in doubt at a, and its work at b waits behind a session there.
const heldUp = () =>
  blocking({
    a: [root([waiter(5, 1)])],
    b: [
      root([], {kind: 'foreign', gid: 'nightly', transaction: undefined}),
      root(
        [
          {...waiter(7, 1), works_for: tx},
          {...waiter(8, 1), works_for: 'elsewhere'},
        ],
        {
          kind: 'session',
          gid: undefined,
          transaction: undefined,
          pid: 99,
          application: 'batch',
        },
      ),
    ],
  });

test('lanes: bound from its yes until it is told', () => {
  const picture = draw(
    timeline('committed', [
      [0, 'begun'],
      [1, 'prepare_sent', 'a'],
      [1, 'prepare_sent', 'b'],
      [10, 'voted', 'a', 'yes'],
      [20, 'voted', 'b', 'yes'],
      [21, 'record_asked'],
      [30, 'decided', undefined, 'committed'],
      [31, 'commit_sent', 'a'],
      [31, 'commit_sent', 'b'],
      [40, 'applied', 'a', 'applied'],
      [45, 'applied', 'b', 'applied'],
      [45, 'answered', undefined, 'committed'],
      [46, 'ended'],
    ]),
    99,
  );
  assert.equal(picture.length, 46); // it is over: its age does not matter
  const [client, coordinator, a] = picture.lanes;
  assert.deepEqual(
    client.stretches.map(each => [each.from, each.to]),
    [[0, 45]],
  );
  assert.deepEqual(
    coordinator.marks.map(each => [each.at, each.kind]),
    [[30, 'decision']],
  );
  assert.deepEqual(
    a.stretches.map(each => [each.kind, each.from, each.to]),
    [
      ['works', 1, 10],
      ['bound', 10, 31],
      ['told', 31, 40],
    ],
  );
  assert.ok(picture.lanes.every(each => each.alone === ''));
});

test('lanes: what is unfinished goes on until now, with who waits under its locks', () => {
  const story = timeline('preparing', [
    [0, 'begun'],
    [1, 'prepare_sent', 'a'],
    [1, 'prepare_sent', 'b'],
    [10, 'voted', 'a', 'yes'],
  ]);
  const picture = draw(
    story,
    42e6,
    blocking({
      a: [
        root([waiter(7, 1)], {
          locks: [{type: 'relation', what: 'acct', modes: []}],
          locks_held: 1,
        }),
      ],
    }),
  );
  assert.equal(picture.length, 42e6);
  assert.deepEqual(
    picture.lanes.map(each => each.kind),
    ['client', 'coordinator', 'participant', 'locks', 'waiter', 'participant'],
  );
  const [, coordinator, a, locks, waits, b] = picture.lanes;
  assert.deepEqual(a.stretches.at(-1), {
    from: 10,
    to: 42e6,
    kind: 'bound',
    text: a.stretches.at(-1)!.text,
  });
  assert.match(a.alone, /may do nothing/);
  assert.match(b.alone, /may still abort/);
  assert.match(coordinator.alone, /may still abort/);
  assert.match(locks.stretches[0].text, /1 lock: acct/);
  assert.deepEqual([waits.stretches[0].from, waits.stretches[0].to], [1e6, 42e6]);
});

test('lanes: the coordinator was away between its last deed and its start', () => {
  const picture = draw(
    timeline('committing', [
      [0, 'begun'],
      [10, 'voted', 'a', 'yes'],
      [50, 'started'],
      [51, 'decided', undefined, 'committed'],
    ]),
    60,
  );
  assert.deepEqual(
    picture.lanes[1].stretches.map(each => [each.from, each.to]),
    [
      [0, 10],
      [50, 60],
    ],
  );
  assert.match(picture.lanes[1].alone, /has decided committed, for good/);
});

test('alone: by what it has promised and heard', () => {
  const [vote, order, end] = timeline('x', [
    [1, 'voted', 'a', 'yes'],
    [2, 'commit_sent', 'a'],
    [3, 'applied', 'a'],
  ]).events;
  assert.match(alone(), /may still abort/);
  assert.match(alone(vote), /may do nothing/);
  assert.match(alone(vote, order), /knows the decision/);
  assert.match(alone(vote, order, end), /has ended/);
});

test('the blast radius: each transaction once, over all databases', () => {
  const blast = lay(
    blocking({
      a: [root([waiter(1, 1), waiter(2, 2), waiter(3, 1, 'table t')])],
      b: [root([])],
    }),
  );
  const count = (kind: string) => blast.nodes.filter(each => each.kind === kind).length;
  assert.equal(count('transaction'), 1);
  assert.equal(count('hold'), 3);
  assert.equal(count('waiter'), 3);
  const into = (key: string) =>
    blast.edges.filter(each => each.to === key).map(each => each.from);
  assert.deepEqual(into('w:a:2'), ['w:a:1']);
  const keys = new Set(blast.nodes.map(each => each.key));
  assert.ok(blast.edges.every(each => keys.has(each.from) && keys.has(each.to)));
  const leaves = blast.nodes.filter(each => each.column === 2).map(each => each.y);
  assert.equal(new Set(leaves).size, leaves.length); // none over another
});

test('the blast radius on a narrow screen: the same, each below what it waits for', () => {
  const waiters = [waiter(1, 1), waiter(2, 2), waiter(3, 1)];
  const wide = lay(blocking({a: [root(waiters)], b: [root([])]}));
  const {nodes, edges, height} = stack(wide);
  assert.deepEqual(nodes.map(each => each.key).sort(), wide.nodes.map(each => each.key).sort());
  const at = new Map(nodes.map(each => [each.key, each]));
  for (const {from, to} of edges) {
    assert.ok(at.get(from)!.y < at.get(to)!.y);
    assert.equal(at.get(to)!.depth, at.get(from)!.depth! + 1);
  }
  assert.equal(new Set(nodes.map(each => each.y)).size, nodes.length);
  assert.ok(nodes.every(each => each.y < height));
});

test('the blast radius: what is too much to draw is counted', () => {
  const blast = lay(blocking({a: [root(Array.from({length: 300}, (_, i) => waiter(i + 1, 1)))]}));
  assert.equal(blast.nodes.filter(each => each.kind === 'waiter').length, 10);
  assert.equal(blast.nodes.find(each => each.kind === 'more')?.title, '290 more sessions');
  assert.equal(blast.nodes.find(each => each.kind === 'more')?.detail, 'shop 290');
  const fifteen = Array.from({length: 15}, (_, i) => waiter(i + 1, 1));
  const many = Array.from({length: 20}, (_, i) => root(fifteen, {transaction: `t${i}`}));
  const crowd = lay(blocking({a: many}));
  assert.equal(crowd.nodes.filter(each => each.kind === 'transaction').length, 20);
  assert.equal(crowd.nodes.filter(each => each.column === 2).length, 40);
});

test('what is waited for is the row, by its key where that is known', () => {
  const wanted = waiter(1, 1);
  assert.equal(object(wanted), 'row 1');
  wanted.waits_for.row = {relation: 'acct', page: 0, line: 7};
  assert.equal(object(wanted), 'row (0,7) of acct');
  wanted.waits_for.row.key = {id: '7'};
  assert.equal(object(wanted), 'row id=7 of acct');
  assert.deepEqual(
    [...groups(root([wanted, waiter(2, 2), waiter(3, 1)])).values()].map(each =>
      each.map(one => one.pid),
    ),
    [[1, 2], [3]],
  );
});

test('the blast radius: who holds up a transaction elsewhere is linked, and next to it', () => {
  const wide = lay(heldUp());
  for (const blast of [wide, stack(wide)]) {
    assert.deepEqual(blast.links, [{from: 's:b:99', to: `t:${tx}`}]);
    const y = (key: string) => blast.nodes.find(each => each.key === key)!.y;
    assert.ok(y('s:b:99') > y(`t:${tx}`) && y('s:b:99') < y('f:nightly'));
  }
  const work = wide.nodes.find(each => each.key === 'w:b:7')!;
  assert.equal(work.title, 'work of 01a1febb…981c8d 7');
  assert.equal(work.transaction, tx);
  assert.match(wide.nodes.find(each => each.key === `t:${tx}`)!.detail, /held up elsewhere/);
  const silent = heldUp();
  silent.databases[1].answers = false; // it was so when it last answered
  assert.deepEqual(lay(silent).links, []);
});

test('the blast radius: the same pid in two databases is two sessions', () => {
  const session = () => root([waiter(1, 1)], {kind: 'session', gid: undefined, pid: 99});
  const blast = lay(blocking({a: [session()], b: [session()]}));
  assert.equal(blast.nodes.filter(each => each.kind === 'session').length, 2);
});

test('lanes: what holds up the work of a branch stands under it', () => {
  const story = timeline('preparing', [
    [0, 'begun'],
    [1, 'prepare_sent', 'a'],
    [1, 'prepare_sent', 'b'],
    [10, 'voted', 'a', 'yes'],
  ]);
  const picture = draw(story, 42e6, heldUp());
  const at = picture.lanes.findIndex(each => each.party === 'held up');
  assert.equal(picture.lanes[at - 1].party, 'b');
  assert.match(picture.lanes[at].stretches[0].text, /waits for row 1, behind batch 99/);
  assert.equal(picture.lanes[at].stretches[0].from, 1e6);
});

test('lanes: what an application has prepared is bound before its vote is asked for', () => {
  const at = (waiting: number) => root([], {age_ms: waiting, locks: [], locks_held: 1});
  const picture = draw(timeline('open', [[0, 'begun']]), 42e6, blocking({a: [at(2000)]}), 0, [
    'a',
    'b',
  ]);
  assert.deepEqual(
    picture.lanes.map(each => each.party),
    ['client', 'coordinator', 'a', 'locks', 'b'],
  );
  const [, , a, locks, b] = picture.lanes;
  assert.deepEqual(
    a.stretches.map(each => [each.kind, each.from, each.to]),
    [['bound', 40e6, 42e6]],
  );
  assert.match(a.alone, /may do nothing: it is prepared/);
  assert.equal(locks.stretches[0].from, 40e6);
  assert.match(b.alone, /may still abort/);
});

test('the tree: rows by depth, and what is closed hides all below', () => {
  const all = rows(
    blocking({a: [root([waiter(1, 1), waiter(2, 2), waiter(3, 3), waiter(4, 1)])]}),
  );
  assert.deepEqual(
    all.map(each => each.level),
    [1, 2, 3, 4, 2],
  );
  assert.deepEqual(
    all.map(each => each.hasChildren),
    [true, true, true, false, false],
  );
  assert.deepEqual(all[4].parents, [all[0].key]);
  assert.equal(visible(all, new Set([all[1].key])).length, 3);
  assert.equal(visible(all, new Set([all[0].key])).length, 1);
});

test('the strip: equal samples are one slice, and where nobody looked there is none', () => {
  const sample = (at: number, linked: boolean, n: number) => ({
    at,
    up: true,
    linked,
    waiting: {a: n},
    inDoubt: 0,
  });
  const all = slices(
    [
      sample(1000, true, 0),
      sample(2000, true, 0),
      sample(3000, false, 2),
      sample(60_000, true, 0),
    ],
    0,
    61_000,
  );
  assert.deepEqual(
    all.map(each => [each.from, each.to, each.linked]),
    [
      [1000, 3000, true],
      [3000, 18_000, false],
      [60_000, 61_000, true],
    ],
  );
  assert.equal(
    told(all, ['a'], 5),
    'The last 5 minutes: the coordinator was away for 15 s; a at most 2 waiting sessions',
  );
});

test('lanes: a coordinator that is not reached is drawn no further than it was', () => {
  const picture = draw(
    timeline('preparing', [
      [0, 'begun'],
      [10, 'voted', 'a', 'yes'],
    ]),
    60,
    undefined,
    40,
  );
  assert.deepEqual(
    picture.lanes[1].stretches.map(each => [each.from, each.to]),
    [[0, 20]],
  );
  assert.deepEqual(
    picture.lanes[1].marks.map(each => [each.at, each.kind]),
    [[20, 'cut']],
  );
  assert.match(picture.lanes[1].alone, /not reached/);
  assert.match(picture.lanes[2].alone, /may do nothing/);
});

test("lanes: the locks of what has ended, by their participant's own measure", () => {
  const picture = draw(
    {
      id: 't',
      state: 'committed',
      outcome: 'committed',
      age_us: 9_000_000,
      omitted: 0,
      events: [
        {at: '', after_us: 0, kind: 'begun'},
        {at: '', after_us: 10, kind: 'prepare_sent', participant: 'a'},
        {at: '', after_us: 20, kind: 'voted', participant: 'a', detail: 'yes'},
        {at: '', after_us: 8_000_000, kind: 'commit_sent', participant: 'a'},
        {
          at: '',
          after_us: 8_000_100,
          kind: 'applied',
          participant: 'a',
          locks_held_us: 7_900_000,
        },
      ],
    },
    0,
  );
  const locks = picture.lanes.find(each => each.kind === 'locks')!;
  assert.equal(locks.stretches[0].text, 'held its locks in doubt for 7.9 s');
});
