// The list's filter, as text: state:in_doubt participant:orders older:30s app=shop 019f…
import type {Transaction} from './model';

const states = [
  'in_doubt',
  'damaged',
  'open',
  'preparing',
  'deciding',
  'committing',
  'committed',
  'aborting',
  'aborted',
  'damaged',
];

const modes = ['one_shot', 'interactive', 'external'];

export interface Filter {
  asked: Record<string, string>; // query parameters of GET /v1/transactions
  mode?: string;
  labels: [string, string][];
  words: string[];
  problem?: string; // what is wrong with it, for people
}

export function parseFilter(text: string): Filter {
  const filter: Filter = {asked: {}, labels: [], words: []};
  for (const term of text.split(/\s+/).filter(each => each !== '')) {
    const [, name, value] = /^(\w+):(.*)$/.exec(term) ?? [];
    if (name === undefined) {
      const [, label, content] = /^([^=]+)=(.*)$/.exec(term) ?? [];
      if (label !== undefined) filter.labels.push([label, content]);
      else filter.words.push(term.toLowerCase());
    } else if (name === 'state') {
      if (!states.includes(value)) filter.problem = `state: is one of ${states.join(', ')}`;
      else filter.asked.state = value;
    } else if (name === 'participant') {
      if (!/^[a-z][a-z0-9_-]{0,62}$/.test(value))
        filter.problem = 'participant: is the name of one';
      else filter.asked.participant = value;
    } else if (name === 'mode') {
      if (!modes.includes(value)) filter.problem = `mode: is one of ${modes.join(', ')}`;
      else filter.mode = value;
    } else if (name === 'older') {
      if (!/^[0-9]+(ms|s|m|h)$/.test(value))
        filter.problem = 'older: is a time such as 30s or 5m';
      else filter.asked.older_than = value;
    } else {
      filter.problem =
        `${name}: is unknown; ` + 'there are state:, participant:, older:, mode:, label=value';
    }
  }
  return filter;
}

// What the server has not judged already.
export function matches(tx: Transaction, filter: Filter): boolean {
  if (filter.mode && tx.mode !== filter.mode) return false;
  if (!filter.labels.every(([name, value]) => tx.labels?.[name] === value)) return false;
  if (filter.words.length === 0) return true;
  const text = [
    tx.id,
    tx.state,
    tx.mode,
    ...tx.branches.map(each => each.participant),
    ...Object.entries(tx.labels ?? {}).flat(),
    tx.failure?.code,
    tx.why,
  ]
    .join(' ')
    .toLowerCase();
  return filter.words.every(word => text.includes(word));
}

// The same in a terminal.
export function listCommand(filter: Filter): string {
  const option: Record<string, string> = {
    state: 'state',
    participant: 'participant',
    older_than: 'older-than',
  };
  const options = Object.entries(filter.asked).map(
    ([name, value]) => ` --${option[name]} ${value}`,
  );
  return `assent list${options.join('')}`;
}
