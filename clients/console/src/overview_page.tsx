// How everything stands: coordinator, participants, log; and how it went of late.
import {age, count, plain, span} from './format';
import type {Database, Overview} from './model';
import {blockingCommand, Command, Copy, Head, NobodyConnected, State} from './parts';
import {linkTo} from './route';
import {Series, type Point} from './series';
import type {PageProps} from './shell';
import {isParticipant, shownMinutes, type Sample} from './store';

const rate = (value: number) => value.toFixed(value < 10 ? 1 : 0);
const sum = (waiting: Record<string, number>) =>
  Object.values(waiting).reduce((all, each) => all + each, 0);

interface Measure {
  title: string;
  unit: string;
  of(sample: Sample): number | undefined;
  show(value: number): string;
}

const coordinators: Measure[] = [
  {title: 'Committed', unit: 'a second', of: each => each.committed, show: rate},
  {title: 'Aborted', unit: 'a second', of: each => each.aborted, show: rate},
  {title: 'Latency', unit: 'mean of the answers', of: each => each.latencyUs, show: span},
];
const everybodys: Measure[] = [
  {title: 'In doubt', unit: 'transactions', of: each => each.inDoubt, show: plain},
  {title: 'Blocked', unit: 'sessions', of: each => sum(each.waiting), show: plain},
];

export function OverviewPage({known, now}: PageProps) {
  const own = isParticipant(known);
  const minutes = shownMinutes(known.samples, now);
  const points = ({of}: Measure): Point[] =>
    known.samples.map(each => ({at: each.at, value: each.up ? of(each) : undefined}));
  return (
    <>
      <div class="cards">
        {own ? (
          <LinkCard database={known.blocking?.databases[0]} />
        ) : (
          <>
            <CoordinatorCard overview={known.overview} lost={known.lostAt !== undefined} />
            <LogCard overview={known.overview} />
          </>
        )}
        <ParticipantsCard databases={known.blocking?.databases} overview={known.overview} />
      </div>
      <h2>The last {minutes === 1 ? 'minute' : count(minutes, 'minute', 'minutes')}</h2>
      <div class="grid">
        {(own ? everybodys : [...coordinators, ...everybodys]).map(each => (
          <Series
            key={each.title}
            {...each}
            points={points(each)}
            window={minutes * 60_000}
            now={now}
          />
        ))}
      </div>
      <Command text={blockingCommand(own)} />
    </>
  );
}

function CoordinatorCard({overview, lost}: {overview?: Overview; lost: boolean}) {
  if (!overview)
    return (
      <section class="card">
        <h2>Coordinator</h2>
        <p>{lost ? '╳ not reached' : 'asking …'}</p>
      </section>
    );
  const states = overview.transactions;
  const running = states.open + states.preparing + states.deciding;
  return (
    <section class="card">
      <h2>Coordinator</h2>
      <p class="big">{lost ? '╳ not reached' : '● here'}</p>
      <dl>
        <dt>Standing</dt>
        <dd>{standings[overview.standing] ?? overview.standing}</dd>
        <dt>At work</dt>
        <dd>
          <a href={linkTo('transactions', undefined, {q: 'state:open'})}>
            {count(running, 'transaction', 'transactions')}
          </a>
        </dd>
        <dt>Being finished</dt>
        <dd>{count(states.committing + states.aborting, 'transaction', 'transactions')}</dd>
        <dt>Without a record</dt>
        <dd>{count(states.in_doubt, 'transaction', 'transactions')}</dd>
        {overview.damaged.unacknowledged > 0 && (
          <>
            <dt>Damaged</dt>
            <dd>
              <a class="damage" href={linkTo('transactions', undefined, {q: 'state:damaged'})}>
                ! {count(overview.damaged.unacknowledged, 'transaction', 'transactions')}, not
                acknowledged
              </a>
            </dd>
          </>
        )}
        <dt>Version</dt>
        <dd>{overview.version}</dd>
      </dl>
    </section>
  );
}

const standings: Record<string, string> = {
  complete: 'complete: its ledger can be trusted to know all',
  careful: 'careful: moved or put back, so it asks the participants first',
  contradicted: 'contradicted: a participant has seen more than this ledger knows',
};

function LogCard({overview}: {overview?: Overview}) {
  if (!overview) return null;
  const {syncs, sync_us} = overview.since_start;
  return (
    <section class="card">
      <h2>Decision log</h2>
      <p class="big">
        {plain(overview.sequence)} <small>commit records</small>
      </p>
      <dl>
        <dt>Ledger</dt>
        <dd>
          <span class="mono">{overview.ledger.slice(0, 8)}…</span>{' '}
          <Copy text={overview.ledger} what="the ledger's id" />
        </dd>
        <dt>Epoch</dt>
        <dd>{overview.epoch}</dd>
        <dt>Until durable</dt>
        <dd>
          {syncs
            ? `${span(sync_us / syncs)}, mean of ${plain(syncs)} batches`
            : 'nothing written since the start'}
        </dd>
      </dl>
    </section>
  );
}

function LinkCard({database}: {database?: Database}) {
  const link = database?.coordinator;
  return (
    <section class="card">
      <h2>Coordinator</h2>
      <p class="big">{!link ? '…' : link.linked ? '● linked' : '╳ away'}</p>
      <p>
        {!link
          ? 'Asking.'
          : link.linked
            ? 'This participant has a working link to it.'
            : `No link for ${age(link.away_ms ?? 0)}. What is prepared here waits for its return.`}
      </p>
    </section>
  );
}

function ParticipantsCard({databases, overview}: {databases?: Database[]; overview?: Overview}) {
  if (!databases) return null;
  if (databases.length === 0) return <NobodyConnected />;
  return (
    <section class="card wide">
      <h2>Participants</h2>
      <table>
        <Head columns={['Name', 'State', '# Prepared', '# Waiting']} />
        <tbody>
          {databases.map(each => {
            const member = overview?.participants.find(other => other.name === each.participant);
            return (
              <tr key={each.participant}>
                <th scope="row">
                  <a href={linkTo('participants', undefined, {p: each.participant})}>
                    {each.participant}
                  </a>
                </th>
                <td>
                  {member ? (
                    <State name={member.state} />
                  ) : each.answers ? (
                    '● answers'
                  ) : (
                    '╳ its database does not answer'
                  )}
                </td>
                <td class="number">
                  {each.answers ? plain(each.roots.filter(root => root.gid).length) : 'not known'}
                </td>
                <td class="number">{each.answers ? plain(each.waiting?.all) : 'not known'}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </section>
  );
}
