// A transaction as a participant knows it: the branch in its own database.
import {blockingCommand, Command, Copy, Empty} from './parts';
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

export function BranchHere({known, route}: PageProps) {
  const root = known.blocking?.databases[0]?.roots.find(each => each.transaction === route.id);
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
