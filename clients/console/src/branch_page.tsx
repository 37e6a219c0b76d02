// A transaction as a participant knows it: the branch in its own database.
import {object} from './blast';
import {age} from './format';
import {holdUps} from './hold_ups';
import {rootName} from './lanes';
import {blockingCommand, Command, Copy, Empty, Head, Scroll, TransactionId} from './parts';
import type {PageProps} from './shell';
import type {Known} from './store';
import {WaitGrid} from './wait_grid';

// What it holds now, and who waits for it.
export function HeldBy({id, known}: {id: string; known: Known}) {
  if (!known.blocking) return null;
  const databases = known.blocking.databases
    .map(each => ({...each, roots: each.roots.filter(root => root.transaction === id)}))
    .filter(each => each.roots.length > 0);
  if (databases.length === 0) return null;
  return (
    <>
      <h2>Who waits for it</h2>
      <WaitGrid blocking={{...known.blocking, databases}} />
    </>
  );
}

// Why its vote does not come: its work waits, in one database or another.
export function HeldUp({id, known}: {id: string; known: Known}) {
  const all = holdUps(known.blocking).get(id) ?? [];
  if (all.length === 0) return null;
  return (
    <>
      <h2>What holds it up</h2>
      <Scroll label="What holds it up">
        <table>
          <Head columns={['At', 'Its work, pid', 'Waits for', '# For', 'Behind']} />
          <tbody>
            {all.map(({participant, waiter, root}) => (
              <tr key={`${participant} ${waiter.pid}`} data-row tabIndex={-1}>
                <th scope="row">{participant}</th>
                <td>{waiter.pid}</td>
                <td>{object(waiter)}</td>
                <td class="number">{age(waiter.waiting_ms)}</td>
                <td>
                  {root.kind === 'branch' ? (
                    <TransactionId id={root.transaction!} />
                  ) : (
                    rootName(root)
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
    </>
  );
}

export function BranchHere({known, route}: PageProps) {
  const root = known.blocking?.databases[0]?.roots.find(each => each.transaction === route.id);
  if (!root && holdUps(known.blocking).has(route.id!))
    return (
      <>
        <p class="id whole">
          <span class="mono">{route.id}</span> <Copy text={route.id!} what="the id" />
        </p>
        <p>Its work here has not voted yet: until then this participant may abort it alone.</p>
        <HeldUp id={route.id!} known={known} />
        <Command text={blockingCommand(true)} />
      </>
    );
  if (!root)
    return (
      <Empty title="No branch of it is prepared here">
        <p>
          It has ended in this database, or never was in it. Its timeline is the coordinator's.
        </p>
      </Empty>
    );
  return (
    <>
      <p class="id whole">
        <span class="mono">{route.id}</span> <Copy text={route.id!} what="the id" />
      </p>
      <dl class="facts">
        <dt>Known here</dt>
        <dd>{root.knowledge?.text}</dd>
        <dt>With</dt>
        <dd>{root.peers?.join(', ') || 'not known here'}</dd>
        <dt>Freed by</dt>
        <dd>{root.frees.what}</dd>
        <dt>Then</dt>
        <dd>{root.frees.then}</dd>
        <dt>Alone</dt>
        <dd>This participant may do nothing once it has voted yes: the others may commit.</dd>
      </dl>
      <HeldBy id={route.id!} known={known} />
      <Command text={blockingCommand(true)} />
    </>
  );
}
