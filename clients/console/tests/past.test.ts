// What was, and what comes: history and server-sent events.
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {joined, samplesOf} from '../src/past';
import {parser} from '../src/stream';

test('the past, second by second: an outage that the page did not see', () => {
  const span = (from: number, to: number, more: object) => ({
    from_ms: from * 1000,
    to_ms: to * 1000,
    answers: true,
    linked: true,
    in_doubt: 0,
    waiting: 0,
    ...more,
  });
  const history = {
    coordinator_since_ms: 6000,
    databases: [
      {
        participant: 'a',
        spans: [
          span(1, 2, {}),
          span(3, 5, {linked: false, waiting: 4}),
          span(7, 7, {linked: false}),
        ],
        ended: [],
      },
      {participant: 'b', spans: [span(4, 4, {answers: false, linked: false})], ended: []},
    ],
  };
  const past = samplesOf(history);
  assert.deepEqual(
    past.map(each => [each.at / 1000, each.linked, each.waiting]),
    [
      [1, true, {a: 0}],
      [2, true, {a: 0}],
      [3, false, {a: 4}],
      [4, false, {a: 4}], // of b nothing is known
      [5, false, {a: 4}],
      [7, true, {a: 0}], // its link was cut, but this coordinator was there
    ],
  );
  const own = (at: number, up: boolean) => ({at, up, linked: up, waiting: {a: 9}});
  const all = joined([own(2100, true), own(4200, false), own(6100, false)], past, 5);
  assert.deepEqual(
    all.map(each => [each.at, each.up, each.waiting.a]),
    [
      [2100, true, 9], // seen by the page itself
      [3000, true, 4],
      [4000, true, 4], // told later
      [5000, true, 4],
      [6100, false, 9], // nobody looked
      [7000, true, 0],
    ].slice(-5),
  );
});

test('server-sent events: whole events, however they are cut', () => {
  const parse = parser();
  assert.deepEqual(parse('id: 7-1\nevent: vo'), []);
  assert.deepEqual(parse('ted\ndata: {"a":"b: c"}\n\n:\n\nevent: gap\ndata: {}\n\nev'), [
    {id: '7-1', event: 'voted', data: '{"a":"b: c"}'},
    {id: '', event: '', data: ''},
    {id: '', event: 'gap', data: '{}'},
  ]);
});
