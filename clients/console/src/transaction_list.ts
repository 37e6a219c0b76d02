// The list of transactions, kept up to date: the newest are asked for again when something
// happened, and so are those on the page that an event names.
import {useEffect, useRef, useState} from 'preact/hooks';
import {get} from './api';
import type {Filter} from './filter';
import {isOver} from './lanes';
import {useEvents} from './live';
import type {Transaction} from './model';

const most = 5000;
const page = 1000;
const newest = 200;
const mostNamed = 20;

interface Answer {
  transactions: Transaction[];
  next_page_token?: string;
}

export interface List {
  transactions: Transaction[];
  loading: boolean;
  more: boolean; // there are others, beyond the limit
  problem?: string;
}

// By id, the newest first: ids begin with the time.
export function merge(old: Transaction[], news: Transaction[]): Transaction[] {
  const all = new Map(old.map(each => [each.id, each]));
  for (const each of news) all.set(each.id, each);
  return [...all.values()].sort((a, b) => (a.id < b.id ? 1 : -1)).slice(0, most);
}

export function useTransactions(filter: Filter, live: boolean): List {
  const [list, setList] = useState<List>({transactions: [], loading: true, more: false});
  const query = new URLSearchParams(filter.asked).toString();
  const latest = useRef(filter);
  latest.current = filter;
  const current = useRef(list);
  current.current = list;
  const pending = useRef(new Set<string>()); // ids that events have named since the last asking
  const again = useRef(false);
  const busy = useRef(false);

  useEffect(() => {
    let gone = false;
    (async () => {
      let all: Transaction[] = [],
        token: string | undefined;
      try {
        do {
          const params = new URLSearchParams({
            ...filter.asked,
            limit: String(page),
            ...(token ? {page_token: token} : {}),
          });
          const answer = await get<Answer>(`/v1/transactions?${params}`);
          if (gone) return;
          all = merge(all, answer.transactions);
          token = answer.next_page_token;
          setList({
            transactions: all,
            loading: token !== undefined && all.length < most,
            more: token !== undefined,
          });
        } while (token !== undefined && all.length < most);
      } catch (error) {
        if (!gone)
          setList({
            transactions: all,
            loading: false,
            more: false,
            problem: String((error as Error).message),
          });
      }
    })();
    return () => void (gone = true);
  }, [query]);

  useEvents(live ? '/v1/events' : undefined, events => {
    for (const each of events) if (each.transaction) pending.current.add(each.transaction);
    again.current = true;
    catchUp();
  });
  // Once a second at most; what happens meanwhile is for the next time.
  async function catchUp() {
    if (busy.current || !again.current) return;
    busy.current = true;
    if (!current.current.loading) {
      again.current = false;
      const named = pending.current;
      pending.current = new Set();
      try {
        const news = await refresh(latest.current, current.current.transactions, named);
        setList(before => ({...before, transactions: news, problem: undefined}));
      } catch {
        // The frame says that nobody answers; on its return the stream tells of a gap.
      }
    }
    setTimeout(() => {
      busy.current = false;
      catchUp();
    }, 1000);
  }
  return list;
}

async function refresh(
  filter: Filter,
  shown: Transaction[],
  named: Set<string>,
): Promise<Transaction[]> {
  const first = await get<Answer>(
    `/v1/transactions?${new URLSearchParams({...filter.asked, limit: String(newest)})}`,
  );
  const known = new Set(first.transactions.map(each => each.id));
  const others = shown
    .filter(each => named.has(each.id) && !known.has(each.id) && !isOver(each.state))
    .slice(0, mostNamed);
  const again = await Promise.all(
    others.map(each => get<Transaction>(`/v1/transactions/${each.id}`).catch(() => undefined)),
  );
  const all = merge(shown, [...first.transactions, ...again.flatMap(each => each ?? [])]);
  if (!filter.asked.state) return all;
  // Of those that were listed for their state, the ones that have left it go.
  return all.filter(
    each =>
      known.has(each.id) ||
      (!isOver(each.state) && !named.has(each.id)) ||
      each.state === filter.asked.state ||
      (each.damaged && filter.asked.state === 'damaged'),
  );
}
