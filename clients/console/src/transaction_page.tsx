// One transaction: the lesson of two-phase commit, drawn.
import {useEffect, useRef, useState} from 'preact/hooks';
import {get, Refused} from './api';
import {BranchHere, HeldBy, HeldUp} from './branch_page';
import {local, span, utc, words} from './format';
import {draw, type Picture} from './lanes';
import {Lanes, Legend} from './lanes_view';
import {useEvents} from './live';
import type {Timeline, Transaction} from './model';
import {Command, Copy, Empty, Head, Scroll, State, Unheard} from './parts';
import {linkTo} from './route';
import type {PageProps} from './shell';
import {isParticipant} from './store';

interface Story {
  transaction?: Transaction;
  timeline?: Timeline;
  heardAt: number;
  problem?: string;
}

function useStory(id: string, live: boolean): Story {
  const [story, setStory] = useState<Story>({heardAt: Date.now()});
  const again = useRef(false);
  const busy = useRef(false);
  const load = async (): Promise<void> => {
    if (busy.current) return void (again.current = true);
    busy.current = true;
    try {
      const [transaction, timeline] = await Promise.all([
        get<Transaction>(`/v1/transactions/${id}`),
        get<Timeline>(`/v1/transactions/${id}/events`),
      ]);
      setStory({transaction, timeline, problem: undefined, heardAt: Date.now()});
    } catch (error) {
      const problem = error instanceof Refused ? error.message : undefined;
      if (problem) setStory(before => ({...before, problem}));
    }
    busy.current = false;
    if (!again.current) return;
    again.current = false;
    return load();
  };
  useEffect(() => void (live && load()), [id, live]);
  useEvents(live ? `/v1/transactions/${id}/events` : undefined, load);
  return story;
}

export function TransactionPage(props: PageProps) {
  return isParticipant(props.known) ? <BranchHere {...props} /> : <Told {...props} />;
}

function Told({known, now, route}: PageProps) {
  const id = route.id!;
  const {transaction, timeline, heardAt, problem} = useStory(
    id,
    !known.paused && known.version !== undefined,
  );
  if (problem && !transaction)
    return (
      <Empty title="No transaction of this id">
        <p>{problem}</p>
        <p>
          <a href={linkTo('transactions')}>All transactions</a>
        </p>
      </Empty>
    );
  if (!transaction || !timeline) return <Unheard lostAt={known.lostAt} />;
  // The lanes go on as long as it is not over, whether anybody answers or not.
  const running = timeline.age_us + Math.max(0, (known.paused ? heardAt : now) - heardAt) * 1000;
  const picture = draw(
    timeline,
    running,
    known.blocking,
    known.lostAt === undefined ? 0 : (now - known.lostAt) * 1000,
    transaction.branches.map(each => each.participant),
  );
  return (
    <>
      <p class="id whole">
        <span class="mono">{id}</span> <Copy text={id} what="the id" />
      </p>
      <Facts transaction={transaction} lost={known.lostAt !== undefined} />
      {problem && (
        <p class="notice">
          What is shown is the last that was known of it. The coordinator says now: {problem}
        </p>
      )}
      <h2>Lanes</h2>
      {timeline.events.length === 0 ? (
        <Empty title="Its timeline is not kept any more" />
      ) : (
        <>
          <Lanes picture={picture} />
          <Legend />
        </>
      )}
      {!picture.over && <Alone picture={picture} />}
      <ToPrepare transaction={transaction} />
      <HeldUp id={id} known={known} />
      <HeldBy id={id} known={known} />
      <Branches transaction={transaction} timeline={timeline} />
      <h2>Timeline</h2>
      <Events timeline={timeline} />
      <Command text={`assent show ${id}`} />
    </>
  );
}

const modes: Record<NonNullable<Transaction['mode']>, string> = {
  one_shot: 'one-shot: all its statements came in one request',
  interactive: 'interactive: its statements come one after the other',
  external: 'external: the application works and prepares over connections of its own',
};

function Moment({iso}: {iso: string}) {
  const at = Date.parse(iso);
  return (
    <time dateTime={iso}>
      {local(at)} here, {utc(at)}
    </time>
  );
}

function Facts({transaction, lost}: {transaction: Transaction; lost: boolean}) {
  return (
    <dl class="facts">
      <dt>State</dt>
      <dd>
        <State name={transaction.state} />
        {lost && ' when the coordinator last answered'}
        {transaction.damaged && (
          <strong class="damage">
            {' '}
            ! a branch ended against the decision{transaction.acknowledged && ', acknowledged'}
          </strong>
        )}
      </dd>
      {transaction.mode && (
        <>
          <dt>Mode</dt>
          <dd>{modes[transaction.mode]}</dd>
        </>
      )}
      {transaction.expires_at && (
        <>
          <dt>Deadline</dt>
          <dd>
            <Moment iso={transaction.expires_at} />
            : what is undecided then is aborted
          </dd>
        </>
      )}
      {transaction.resolution && (
        <>
          <dt>Decided</dt>
          <dd>
            by {transaction.resolution.by}: {transaction.resolution.reason}
          </dd>
        </>
      )}
      {transaction.begun_at && (
        <>
          <dt>Begun</dt>
          <dd>
            <Moment iso={transaction.begun_at} />
          </dd>
        </>
      )}
      {transaction.failure && (
        <>
          <dt>Why</dt>
          <dd>
            {transaction.failure.code}: {transaction.failure.detail}
          </dd>
        </>
      )}
      {transaction.why && (
        <>
          <dt>Why</dt>
          <dd>{transaction.why}</dd>
        </>
      )}
      {Object.entries(transaction.labels ?? {}).map(([name, value]) => [
        <dt key={name}>{name}</dt>,
        <dd>{value}</dd>,
      ])}
    </dl>
  );
}

function Alone({picture}: {picture: Picture}) {
  return (
    <>
      <h2>What each may do alone, now</h2>
      <Scroll label="What each may do alone">
        <table>
          <Head columns={['Party', 'Alone, it']} />
          <tbody>
            {picture.lanes
              .filter(each => each.alone)
              .map(each => (
                <tr key={each.party}>
                  <th scope="row">{each.party}</th>
                  <td>{each.alone}</td>
                </tr>
              ))}
          </tbody>
        </table>
      </Scroll>
    </>
  );
}

// Of an external transaction, until it is decided.
function ToPrepare({transaction}: {transaction: Transaction}) {
  const open = transaction.branches.filter(each => each.prepare);
  if (open.length === 0) return null;
  return (
    <>
      <h2>What the application prepares</h2>
      <p>
        At the end of its work in each database, in that transaction. Then it commits all:{' '}
        <code>assent commit {transaction.id}</code>
      </p>
      <Scroll label="What the application prepares">
        <table>
          <Head columns={['Participant', 'State', 'It runs']} />
          <tbody>
            {open.map(each => (
              <tr key={each.participant} data-row tabIndex={-1}>
                <th scope="row">{each.participant}</th>
                <td>
                  <State name={each.state} />
                </td>
                <td>
                  <code class="statements">{each.prepare!.map(sql => `${sql};\n`)}</code>
                  <Copy
                    text={each.prepare!.map(sql => `${sql};\n`).join('')}
                    what={`what runs at ${each.participant}`}
                  />
                  <span class="nowrap">
                    {' '}
                    gid <Copy text={each.gid!} what={`the gid at ${each.participant}`} />
                  </span>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
    </>
  );
}

function Branches({transaction, timeline}: {transaction: Transaction; timeline: Timeline}) {
  const held = (name: string) =>
    timeline.events.find(each => each.participant === name && each.locks_held_us)?.locks_held_us;
  return (
    <>
      <h2>Branches</h2>
      <Scroll label="Branches">
        <table>
          <Head columns={['Participant', 'State', '# Held its locks in doubt']} />
          <tbody>
            {transaction.branches.map(each => (
              <tr key={each.participant}>
                <th scope="row">
                  {each.participant}
                  {each.group && ` (${each.group})`}
                </th>
                <td>
                  <State name={each.state} />
                </td>
                <td class="number">
                  {endings.has(each.state) ? spanOr(held(each.participant)) : '–'}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
    </>
  );
}

// A branch of which this can be known.
const endings = new Set(['applied', 'heuristic', 'unproven']);
const spanOr = (us: number | undefined) => (us === undefined ? 'not measured' : span(us));

function Events({timeline}: {timeline: Timeline}) {
  return (
    <Scroll label="Timeline">
      <table>
        <Head columns={['# After', 'Who', 'What']} />
        <tbody>
          {timeline.events.map((each, i) => (
            <tr key={i} data-row tabIndex={-1}>
              <td class="number">
                <time dateTime={each.at} title={each.at}>
                  {span(each.after_us ?? 0)}
                </time>
              </td>
              <td>{each.participant ?? 'coordinator'}</td>
              <td>
                {words(each.kind)}
                {each.detail && each.detail !== each.kind && `: ${words(each.detail)}`}
                {each.locks_held_us &&
                  `; held its locks in doubt for ${span(each.locks_held_us)}`}
                {each.times && ` (${each.times} times)`}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {timeline.omitted > 0 && <p>{timeline.omitted} more statements are not kept.</p>}
    </Scroll>
  );
}
