// The wait tree beside its picture: a treegrid, walked with the arrows.
import {useState} from 'preact/hooks';
import {Copy, Head, Scroll, TransactionId} from './parts';
import type {Blocking} from './model';
import {linkTo} from './route';
import {rows, visible, type TreeRow} from './wait_tree';

const mostShown = 400;

export function WaitGrid({blocking}: {blocking: Blocking}) {
  const [closed, setClosed] = useState<Set<string>>(new Set());
  const [current, setCurrent] = useState('');
  const all = rows(blocking);
  const seen = visible(all, closed);
  const shown = seen.slice(0, mostShown);
  const at = Math.max(
    0,
    shown.findIndex(row => row.key === current),
  );
  const toggle = (row: TreeRow, open: boolean) => {
    const next = new Set(closed);
    if (open) next.delete(row.key);
    else next.add(row.key);
    setClosed(next);
  };
  const goTo = (index: number, grid: HTMLElement) => {
    const row = shown[Math.min(shown.length - 1, Math.max(0, index))];
    setCurrent(row.key);
    grid.querySelectorAll<HTMLElement>('tr[data-row]')[shown.indexOf(row)]?.focus();
  };
  const press = (event: KeyboardEvent) => {
    const row = shown[at];
    const grid = event.currentTarget as HTMLElement;
    const is = (name: string) => event.key === name;
    if (!row || (event.target as HTMLElement).tagName !== 'TR') return;
    if (is('ArrowDown')) goTo(at + 1, grid);
    else if (is('ArrowUp')) goTo(at - 1, grid);
    else if (is('Home')) goTo(0, grid);
    else if (is('End')) goTo(shown.length - 1, grid);
    else if (is('ArrowRight') && row.hasChildren && closed.has(row.key)) toggle(row, true);
    else if (is('ArrowRight') && row.hasChildren) goTo(at + 1, grid);
    else if (is('ArrowLeft') && row.hasChildren && !closed.has(row.key)) toggle(row, false);
    else if (is('ArrowLeft'))
      goTo(
        shown.findIndex(each => each.key === row.parents[row.parents.length - 1]),
        grid,
      );
    else return;
    event.preventDefault();
  };
  return (
    <>
      <Scroll label="The wait tree">
        <table role="treegrid" aria-label="Who waits for what" class="tree" onKeyDown={press}>
          <Head columns={['Who', 'Database', 'What', '# For', 'Query, or what frees it']} />
          <tbody>
            {shown.map((row, i) => (
              <GridRow
                key={row.key}
                row={row}
                current={i === at}
                closed={closed.has(row.key)}
                toggle={() => toggle(row, closed.has(row.key))}
                arrive={() => setCurrent(row.key)}
              />
            ))}
          </tbody>
        </table>
      </Scroll>
      {seen.length > shown.length && (
        <p>
          {seen.length - shown.length} more rows are not shown; <code>assent blocking</code> lists
          them all.
        </p>
      )}
    </>
  );
}

interface RowProps {
  row: TreeRow;
  current: boolean;
  closed: boolean;
  toggle(): void;
  arrive(): void;
}

function GridRow({row, current, closed, toggle, arrive}: RowProps) {
  const {root} = row;
  return (
    <tr
      role="row"
      data-row
      tabIndex={current ? 0 : -1}
      aria-level={row.level}
      aria-expanded={row.hasChildren ? !closed : undefined}
      onFocus={arrive}
      class={root ? `root ${root.kind}` : ''}
    >
      <td role="gridcell" class={`who level-${Math.min(6, row.level)}`}>
        <span class="twist" aria-hidden="true" onClick={row.hasChildren ? toggle : undefined}>
          {row.hasChildren && (closed ? '▸' : '▾')}
        </span>
        {root?.kind === 'branch' ? (
          <TransactionId id={root.transaction!} />
        ) : (
          <Session row={row} />
        )}
      </td>
      <td role="gridcell">{row.participant}</td>
      <td role="gridcell">{row.what}</td>
      <td role="gridcell" class="number">
        {row.since}
      </td>
      <td role="gridcell">
        {root ? <Remedy row={row} /> : <code class="query">{row.query}</code>}
      </td>
    </tr>
  );
}

function Session({row}: {row: TreeRow}) {
  if (!row.worksFor) return <>{row.who}</>;
  return <a href={linkTo('transaction', row.worksFor)}>{row.who}</a>;
}

function Remedy({row}: {row: TreeRow}) {
  const frees = row.root!.frees;
  return (
    <>
      <strong>Freed by:</strong> {frees.what} {frees.then && <em>Then: {frees.then}</em>}
      {row.root!.gid && (
        <span class="nowrap">
          {' '}
          gid <Copy text={row.root!.gid} what="the gid" />
        </span>
      )}
    </>
  );
}
