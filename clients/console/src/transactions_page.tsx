// The list, by a filter written as text.
import {useEffect, useRef, useState} from 'preact/hooks';
import {listCommand, matches, parseFilter} from './filter';
import {plain, words} from './format';
import type {Transaction} from './model';
import {blockingCommand, Command, Empty, Head, Scroll, State, Time, TransactionId} from './parts';
import {formatRoute} from './route';
import type {PageProps} from './shell';
import {isParticipant} from './store';
import {useTransactions} from './transaction_list';

const perPage = 100;
const quick = ['', 'state:in_doubt', 'state:open', 'state:committed', 'state:aborted'];

export function TransactionsPage(props: PageProps) {
  return isParticipant(props.known) ? <HeldHere {...props} /> : <Listed {...props} />;
}

function Listed({known, now, route}: PageProps) {
  const text = route.query.q ?? '';
  const filter = parseFilter(text);
  const list = useTransactions(
    filter.problem ? parseFilter('') : filter,
    !known.paused && known.version !== undefined,
  );
  const [shownPage, setPage] = useState(0);
  const set = (q: string) => {
    setPage(0);
    location.replace(formatRoute({page: 'transactions', query: {...route.query, q}}));
  };
  const found = list.transactions.filter(each => matches(each, filter));
  const pages = Math.max(1, Math.ceil(found.length / perPage));
  const at = Math.min(shownPage, pages - 1);
  return (
    <>
      <FilterForm text={text} problem={filter.problem ?? list.problem ?? ''} set={set} />
      <p class="tally">
        {list.loading && 'Loading … '}
        {plain(found.length)} of {plain(list.transactions.length)} loaded
        {list.more && ', and there are more: ask for a state or a participant'}
      </p>
      {found.length === 0 && !list.loading ? (
        <Empty title={text ? 'No transaction is like that' : 'No transaction yet'}>
          {text ? (
            <p>
              <button type="button" onClick={() => set('')}>
                Show all
              </button>
            </p>
          ) : (
            <p>
              Begin one: <code>assent run FILE</code>
            </p>
          )}
        </Empty>
      ) : (
        <Table
          transactions={found.slice(at * perPage, (at + 1) * perPage)}
          first={at * perPage}
          all={found.length}
          now={now}
        />
      )}
      {pages > 1 && <Pager at={at} pages={pages} go={setPage} />}
      <Command text={listCommand(filter)} />
    </>
  );
}

interface FilterFormProps {
  text: string;
  problem: string;
  set(text: string): void;
}

function FilterForm({text, problem, set}: FilterFormProps) {
  // The URL follows a moment later: until then what was typed must not be overwritten.
  const [typed, setTyped] = useState(text);
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (document.activeElement !== input.current) setTyped(text);
  }, [text]);
  return (
    <form role="search" class="filter" onSubmit={event => event.preventDefault()}>
      <label for="filter">Filter</label>
      <input
        id="filter"
        data-filter
        type="search"
        ref={input}
        value={typed}
        spellcheck={false}
        autocomplete="off"
        aria-describedby="filter-help filter-problem"
        placeholder="state:in_doubt participant:orders older:30s app=shop"
        onInput={event => {
          setTyped(event.currentTarget.value);
          set(event.currentTarget.value);
        }}
      />
      <span class="quick">
        {quick.map(each => (
          <button key={each} type="button" aria-pressed={text === each} onClick={() => set(each)}>
            {each.replace('state:', '').replaceAll('_', ' ') || 'all'}
          </button>
        ))}
      </span>
      <p id="filter-help" class="hint">
        state: participant: older: mode: label=value, or any part of an id or a name
      </p>
      <p id="filter-problem" class="problem">
        {problem}
      </p>
    </form>
  );
}

function Pager({at, pages, go}: {at: number; pages: number; go(page: number): void}) {
  return (
    <nav class="pager" aria-label="Pages of the list">
      <button type="button" disabled={at === 0} onClick={() => go(at - 1)}>
        ← newer
      </button>
      <span>
        {at + 1} of {pages}
      </span>
      <button type="button" disabled={at === pages - 1} onClick={() => go(at + 1)}>
        older →
      </button>
    </nav>
  );
}

function Table({
  transactions,
  first,
  all,
  now,
}: {
  transactions: Transaction[];
  first: number;
  all: number;
  now: number;
}) {
  return (
    <Scroll label="Transactions">
      <table aria-rowcount={all + 1}>
        <Head columns={['Transaction', 'State', 'Mode', 'Participants', 'Begun', 'Labels']} />
        <tbody>
          {transactions.map((each, i) => (
            <tr key={each.id} data-row tabIndex={-1} aria-rowindex={first + i + 2}>
              <th scope="row">
                <TransactionId id={each.id} />
              </th>
              <td>
                <State name={each.state} />
                {each.damaged && (
                  <strong class="damage">
                    {' '}
                    ! damaged{each.acknowledged && ', acknowledged'}
                  </strong>
                )}
                {each.failure && <span class="why"> {each.failure.code}</span>}
              </td>
              <td>{each.mode ? words(each.mode) : '–'}</td>
              <td>{each.branches.map(branch => branch.participant).join(', ')}</td>
              <td>
                <Time iso={each.begun_at} now={now} />
              </td>
              <td>
                {Object.entries(each.labels ?? {})
                  .map(([name, value]) => `${name}=${value}`)
                  .join(' ')}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}

// A participant knows the branches in its own database, no more.
function HeldHere({known}: PageProps) {
  const roots =
    known.blocking?.databases[0]?.roots.filter(
      each => each.transaction && each.kind === 'branch',
    ) ?? [];
  return (
    <>
      <p>
        A participant knows the branches that its own database holds prepared. The list of all
        transactions is the coordinator's.
      </p>
      {roots.length === 0 ? (
        <Empty title="Nothing of Assent's is prepared here" />
      ) : (
        <Scroll label="Transactions prepared here">
          <table>
            <Head columns={['Transaction', 'What is known here', 'With', '# Waiting']} />
            <tbody>
              {roots.map(each => (
                <tr key={each.gid} data-row tabIndex={-1}>
                  <th scope="row">
                    <TransactionId id={each.transaction!} />
                  </th>
                  <td>{each.knowledge?.text}</td>
                  <td>{each.peers?.join(', ') ?? '–'}</td>
                  <td class="number">{each.waiting}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </Scroll>
      )}
      <Command text={blockingCommand(true)} />
    </>
  );
}
