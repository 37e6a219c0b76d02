// Who waits for what, and why.
import {BlastPicture} from './blast_view';
import {age, local} from './format';
import type {Database, Ended, History} from './model';
import {blockingCommand, Command, Empty, Head, Scroll, Unheard} from './parts';
import {subject} from './blast';
import type {PageProps} from './shell';
import {isParticipant, shownMinutes} from './store';
import {Strip, StripTable} from './strip';
import {WaitGrid} from './wait_grid';

export function BlockingPage({known, now}: PageProps) {
  const {blocking} = known;
  if (!blocking) return <Unheard lostAt={known.lostAt} />;
  const minutes = shownMinutes(known.samples, now, 15);
  const participants = blocking.databases.map(each => each.participant);
  const any = blocking.databases.some(each => each.roots.length > 0);
  const strip = {samples: known.samples, participants, now, minutes};
  return (
    <>
      <section aria-labelledby="strip-title">
        <h2 id="strip-title">When</h2>
        <Strip {...strip} ownView={isParticipant(known)} />
        <StripTable {...strip} />
      </section>
      {blocking.databases
        .filter(each => !each.answers || each.remedy)
        .map(each => (
          <Notice key={each.participant} database={each} />
        ))}
      <section aria-labelledby="blast-title">
        <h2 id="blast-title">What holds, and who waits</h2>
        {any ? (
          <>
            <BlastPicture blocking={blocking} />
            <h3>The same as a tree</h3>
            <WaitGrid blocking={blocking} />
          </>
        ) : (
          <Empty title="Nothing holds anybody up">
            <p>No transaction is prepared and waiting, and no session waits for a lock.</p>
          </Empty>
        )}
      </section>
      {known.history && <WhatEnded history={known.history} />}
      <Command text={blockingCommand(isParticipant(known))} />
    </>
  );
}

function Notice({database}: {database: Database}) {
  if (database.answers)
    return (
      <p class="notice">
        {database.participant}: {database.remedy}
      </p>
    );
  return (
    <p class="notice">
      ╳ {database.participant} does not answer ({database.not_answering_because}): what waits
      there is not known.
      {database.age_ms !== undefined && ` What is shown of it is ${age(database.age_ms)} old.`}
    </p>
  );
}

// The lock is often gone when somebody comes to look.
function WhatEnded({history}: {history: History}) {
  const ended: (Ended & {participant: string})[] = history.databases
    .flatMap(({participant, ended}) => ended.map(each => ({...each, participant})))
    .sort((a, b) => b.ended_at_ms - a.ended_at_ms);
  if (ended.length === 0) return null;
  return (
    <section aria-labelledby="ended-title">
      <h2 id="ended-title">What has ended</h2>
      <Scroll label="Those that have ended">
        <table>
          <Head columns={['Ended', 'Where', 'What', '# Had lasted', '# At most waiting']} />
          <tbody>
            {ended.map((each, i) => (
              <tr key={i}>
                <td>{local(each.ended_at_ms)}</td>
                <td>{each.participant}</td>
                <td>{subject(each.root, each.participant).title}</td>
                <td class="number">{age(each.root.age_ms ?? each.root.transaction_ms ?? 0)}</td>
                <td class="number">{each.most_waiting}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
    </section>
  );
}
