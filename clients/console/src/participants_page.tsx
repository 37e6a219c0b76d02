// What each participant and its database hold: prepared transactions, foreign ones too, locks,
// slots, connections, ages.
import {age, count, plain} from './format';
import type {Database, Root} from './model';
import {
  blockingCommand,
  Command,
  Copy,
  Head,
  NobodyConnected,
  Scroll,
  State,
  TransactionId,
  Unheard,
} from './parts';
import type {PageProps} from './shell';
import {consoles, isParticipant} from './store';

export function ParticipantsPage({known, route}: PageProps) {
  const databases = known.blocking?.databases;
  if (!databases) return <Unheard lostAt={known.lostAt} />;
  if (databases.length === 0) return <NobodyConnected />;
  const wanted = databases.filter(each => !route.query.p || each.participant === route.query.p);
  return (
    <>
      {route.query.p && (
        <p>
          <a href="#/participants">All participants</a>
        </p>
      )}
      {wanted.map(each => (
        <Section
          key={each.participant}
          database={each}
          state={
            known.overview?.participants.find(other => other.name === each.participant)?.state
          }
          own={isParticipant(known)}
        />
      ))}
      <Command text={isParticipant(known) ? blockingCommand(true) : 'assent participants'} />
    </>
  );
}

function Section({database, state, own}: {database: Database; state?: string; own: boolean}) {
  const prepared = database.roots.filter(each => each.gid);
  const console = database.console ?? consoles()[database.participant];
  const name = `participant-${database.participant}`;
  return (
    <section class="card wide" aria-labelledby={name}>
      <h2 id={name}>
        {database.participant} {state && <State name={state} />}
      </h2>
      {!database.answers && (
        <p class="notice">
          ╳ does not answer: {database.not_answering_because}
          {database.age_ms !== undefined && `; what follows is ${age(database.age_ms)} old`}
        </p>
      )}
      {!own && console && (
        <p>
          <a href={`${console}#/blocking`}>Its own console</a>, which works without the
          coordinator
        </p>
      )}
      <div class="two">
        <Facts
          database={database}
          locks={prepared.reduce((sum, each) => sum + (each.locks_held ?? 0), 0)}
        />
        <Pool database={database} />
      </div>
      {prepared.length === 0 ? (
        <p class="empty-title">Nothing is prepared in its database.</p>
      ) : (
        <Prepared roots={prepared} participant={database.participant} />
      )}
    </section>
  );
}

function Facts({database, locks}: {database: Database; locks: number}) {
  const {slots, horizon} = database;
  return (
    <dl class="facts">
      <dt>Database</dt>
      <dd>
        {database.database ?? '–'}
        {database.server_version && `, PostgreSQL ${database.server_version}`}
      </dd>
      <dt>Locks of prepared</dt>
      <dd>{plain(locks)}</dd>
      <dt>Sessions waiting</dt>
      <dd>{plain(database.waiting?.all)}</dd>
      {slots && (
        <>
          <dt>Slots</dt>
          <dd>
            <meter
              min={0}
              max={slots.of}
              high={slots.of * 0.8}
              value={slots.used}
              aria-label="Slots in use"
            >
              {slots.used}
            </meter>{' '}
            {slots.used} of {slots.of} for prepared transactions
          </dd>
        </>
      )}
      {horizon && (
        <>
          <dt>Oldest prepared</dt>
          <dd>
            {plain(horizon.oldest_prepared_xid_age)} transactions ago
            {horizon.held_by_prepared && ': vacuum waits for it'}
          </dd>
          <dt>Freeze</dt>
          <dd>
            {plain(horizon.oldest_frozen_xid_age)}, and vacuum is forced at{' '}
            {plain(horizon.autovacuum_freeze_max_age)}
          </dd>
          {horizon.dead_rows !== undefined && (
            <>
              <dt>Dead rows</dt>
              <dd>{plain(horizon.dead_rows)}</dd>
            </>
          )}
        </>
      )}
      {!slots && database.answers && (
        <>
          <dt>At rest</dt>
          <dd>
            slots and ages are read while something is prepared or waits, and on its own console
          </dd>
        </>
      )}
    </dl>
  );
}

const uses = {lanes: 'one-shot work', sessions: 'interactive work', finishers: 'ending branches'};

function Pool({database}: {database: Database}) {
  const {pool} = database;
  if (!pool) return null;
  return (
    <table>
      <Head columns={['Connections for', '# Open', '# Busy', '# Queue']} />
      <tbody>
        {(Object.keys(uses) as (keyof typeof uses)[]).map(each => (
          <tr key={each}>
            <th scope="row">{uses[each]}</th>
            <td class="number">{pool[each].open}</td>
            <td class="number">{pool[each].busy}</td>
            <td class="number">{pool[each].waiting}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Prepared({roots, participant}: {roots: Root[]; participant: string}) {
  return (
    <Scroll label={`Prepared in ${participant}`}>
      <table>
        <caption>{count(roots.length, 'prepared transaction', 'prepared transactions')}</caption>
        <Head
          columns={['Transaction', 'Known', '# Age', '# Locks', '# Waiting', 'Owner', 'gid']}
        />
        <tbody>
          {roots.map(each => (
            <tr key={each.gid} data-row tabIndex={-1}>
              <th scope="row">
                {each.kind === 'branch' ? (
                  <TransactionId id={each.transaction!} />
                ) : (
                  <span class="foreign">foreign</span>
                )}
              </th>
              <td>{each.knowledge?.text}</td>
              <td class="number">{age(each.age_ms ?? 0)}</td>
              <td class="number">{plain(each.locks_held)}</td>
              <td class="number">{each.waiting}</td>
              <td>{each.owner}</td>
              <td class="mono gid">
                {each.gid} <Copy text={each.gid!} what="the gid" />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}
