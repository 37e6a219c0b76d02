// The functions behind the pages, without a page.
import assert from 'node:assert/strict';
import test from 'node:test';
import {listCommand, matches, parseFilter} from '../src/filter';
import {age, shortId, span} from '../src/format';
import type {Transaction} from '../src/model';
import {formatRoute, parseRoute} from '../src/route';
import {gist, mood, sentence} from '../src/sentence';
import {pieces} from '../src/series';
import {merge} from '../src/transaction_list';
import {blocking, root, tx, waiter} from './samples';

test('times and ids are short, and tell what is near apart', () => {
  assert.equal(age(999), 'less than a second');
  assert.equal(age(119_999), '119 s');
  assert.equal(age(120_000), '2 min');
  assert.equal(age(3 * 86_400_000), '3 days');
  assert.equal(span(85), '85 µs');
  assert.equal(span(12_400), '12.4 ms');
  assert.equal(span(41e6), '41.0 s');
  assert.equal(shortId(tx), '01a1febb…981c8d');
});

test('a route is what its URL says, and an unknown one is the overview', () => {
  for (const hash of [
    '#/blocking',
    '#/transactions?q=state%3Ain_doubt',
    `#/transactions/${tx}`,
    '#/participants?p=bank_a',
  ])
    assert.equal(formatRoute(parseRoute(hash)), hash);
  assert.equal(parseRoute('#/nonsense').page, 'overview');
  assert.equal(parseRoute('#/transaction').page, 'overview'); // without an id there is none
});

test('a filter is taken apart into what the server judges and what the page does', () => {
  const filter = parseFilter('state:in_doubt participant:orders older:30s app=shop 019F');
  assert.deepEqual(filter.asked, {state: 'in_doubt', participant: 'orders', older_than: '30s'});
  assert.deepEqual(filter.labels, [['app', 'shop']]);
  assert.deepEqual(filter.words, ['019f']);
  assert.equal(
    listCommand(filter),
    'assent list --state in_doubt --participant orders --older-than 30s',
  );
  assert.match(parseFilter('stat:x').problem ?? '', /stat: is unknown/);
  assert.match(parseFilter('state:x').problem ?? '', /state: is one of/);
  assert.match(parseFilter('mode:x').problem ?? '', /external/);
  assert.match(parseFilter('older:soon').problem ?? '', /30s/);
  const like = {
    id: tx,
    state: 'open',
    outcome: 'unknown',
    mode: 'external',
    branches: [{participant: 'orders', state: 'working'}],
    labels: {app: 'shop'},
  } as Transaction;
  assert.ok(matches(like, parseFilter('app=shop ORDERS')));
  assert.ok(!matches(like, parseFilter('app=sho')));
  assert.ok(!matches(like, parseFilter('stock')));
  assert.ok(matches(like, parseFilter('mode:external')));
  assert.ok(!matches(like, parseFilter('mode:one_shot')));
});

test("the sentence is the server's, until nobody answers", () => {
  const now = {blocking: blocking({bank_a: [root([waiter(1, 1), waiter(2, 2)])]})};
  assert.equal(sentence(now), 'The server says so.');
  assert.equal(mood(now), 'blocked');
  const lost = {...now, lostMs: 42_000};
  assert.match(
    sentence(lost),
    /^Coordinator not reached for 42 s\. When it last answered: 1 transaction was unfinished and/,
  );
  assert.match(
    sentence({...lost, participant: 'bank_a'}),
    /^Participant bank_a not reached for 42 s/,
  );
  assert.equal(sentence({lostMs: 5000}), 'Coordinator not reached for 5 s.');
  assert.equal(mood(lost), 'lost');
  assert.equal(mood({blocking: blocking({}, true)}), 'blocked');
  assert.equal(mood({blocking: blocking({})}), 'calm');
});

test('seconds that pass are not announced', () => {
  const now = {blocking: blocking({bank_a: [root([waiter(1, 1)])]})};
  assert.equal(gist({...now, lostMs: 1000}), gist({...now, lostMs: 9000}));
  assert.notEqual(gist(now), gist({...now, lostMs: 1000}));
  assert.notEqual(gist(now), gist({blocking: blocking({})}));
});

test('a line has a gap where nothing is known', () => {
  const points = [{at: 0, value: 1}, {at: 1000, value: 2}, {at: 2000}, {at: 3000, value: 1}];
  assert.equal(pieces(points, 0, 4000, 2, 100).length, 2);
});

test('the list: the newest first, each once, the latest news of it', () => {
  const each = (id: string, state: string) =>
    ({id, state, outcome: 'unknown', branches: []}) as unknown as Transaction;
  const merged = merge(
    [each('b', 'open'), each('a', 'open')],
    [each('c', 'open'), each('b', 'committed')],
  );
  assert.deepEqual(
    merged.map(one => [one.id, one.state]),
    [
      ['c', 'open'],
      ['b', 'committed'],
      ['a', 'open'],
    ],
  );
});

test('what is not told is not calm', () => {
  assert.equal(mood({tokenAsked: true}), 'asking');
  assert.match(sentence({tokenAsked: true}), /to those who show a token/);
  assert.equal(mood({}), 'asking');
});
