// What was before the page was opened, or while nobody answered it, second by second.
import type {History} from './model';
import type {Sample} from './store';

type Span = History['databases'][number]['spans'][number];

const second = (at: number) => Math.round(at / 1000);

// One sample for each second in which somebody looked at a database.
export function samplesOf(history: History): Sample[] {
  const found = new Map<number, [string, Span][]>();
  for (const {participant, spans} of history.databases)
    for (const span of spans)
      for (let at = second(span.from_ms); at <= second(span.to_ms); ++at)
        found.set(at, [...(found.get(at) ?? []), [participant, span]]);
  return [...found]
    .sort(([a], [b]) => a - b)
    .map(([at, seen]) => sampleOf(at * 1000, seen, history.coordinator_since_ms));
}

function sampleOf(at: number, seen: [string, Span][], since?: number): Sample {
  const answering = seen.filter(([, span]) => span.answers);
  return {
    at,
    up: true,
    linked: (since !== undefined && at >= since) || seen.some(([, span]) => span.linked),
    waiting: Object.fromEntries(answering.map(([name, span]) => [name, span.waiting])),
    // Several databases count the same transactions: how many these are is not known.
    inDoubt: seen.length === 1 ? seen[0][1].in_doubt : undefined,
  };
}

// What the page has seen itself comes first; what it could not see is taken from the past.
export function joined(own: Sample[], past: Sample[], most: number): Sample[] {
  const bySecond = new Map<number, Sample>();
  for (const each of own) if (!each.up) bySecond.set(second(each.at), each);
  for (const each of past) bySecond.set(second(each.at), each);
  for (const each of own) if (each.up) bySecond.set(second(each.at), each);
  return [...bySecond.values()].sort((a, b) => a.at - b.at).slice(-most);
}
