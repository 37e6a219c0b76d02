// Time from left to right: when the coordinator was there, and how many sessions waited in each
// database, so that the outage and the block line up.
import {count} from './format';
import {Head, useWidth} from './parts';
import type {Sample} from './store';

const row = 16;
const label = 92;
const gapMs = 15_000; // nobody looked for so long: nothing is drawn

export interface Slice {
  from: number;
  to: number;
  up: boolean; // the server of this page answered
  linked: boolean;
  waiting: Record<string, number>;
}

// What held from one sample to the next.
export function slices(samples: Sample[], from: number, now: number): Slice[] {
  const found: Slice[] = [];
  samples.forEach((each, i) => {
    const next = samples[i + 1]?.at ?? now;
    const to = Math.min(next, each.at + gapMs);
    if (to <= from) return;
    const last = found[found.length - 1];
    const same =
      last &&
      last.to === each.at &&
      last.up === each.up &&
      last.linked === each.linked &&
      JSON.stringify(last.waiting) === JSON.stringify(each.waiting);
    if (same) last.to = to;
    else
      found.push({
        from: Math.max(from, each.at),
        to,
        up: each.up,
        linked: each.linked,
        waiting: each.waiting,
      });
  });
  return found;
}

interface StripProps {
  samples: Sample[];
  participants: string[];
  now: number;
  minutes: number;
  ownView: boolean; // of a participant: while it does not answer itself, nothing is known
}

export function Strip({samples, participants, now, minutes, ownView}: StripProps) {
  const [ref, width] = useWidth();
  const from = now - minutes * 60_000;
  const all = slices(samples, from, now);
  const most = Math.max(1, ...all.flatMap(each => Object.values(each.waiting)));
  const x = (at: number) => label + ((at - from) / (now - from)) * (width - label);
  const height = row * (participants.length + 1) + 22;
  const box = (each: Slice, y: number, kind: string, tall: number, title: string) => (
    <rect
      key={each.from}
      x={x(each.from)}
      width={Math.max(1, x(each.to) - x(each.from))}
      y={y + row - 2 - tall}
      height={tall}
      class={kind}
    >
      <title>{title}</title>
    </rect>
  );
  return (
    <div ref={ref}>
      <svg width={width} height={height} role="img" aria-label={told(all, participants, minutes)}>
        <text x="0" y={row - 4} class="label">
          coordinator
        </text>
        {all
          .filter(each => each.up || !ownView)
          .map(each =>
            box(each, 0, each.linked ? 'up' : 'down', row - 4, each.linked ? 'here' : 'away'),
          )}
        {participants.map((name, i) => (
          <g key={name}>
            <text x="0" y={row * (i + 2) - 4} class="label">
              {name.length > 12 ? `${name.slice(0, 11)}…` : name}
            </text>
            <line
              x1={label}
              x2={width}
              y1={row * (i + 2) - 2}
              y2={row * (i + 2) - 2}
              class="axis"
            />
            {all
              .filter(each => each.waiting[name])
              .map(each =>
                box(
                  each,
                  row * (i + 1),
                  'waits',
                  Math.max(3, (each.waiting[name] / most) * (row - 3)),
                  `${each.waiting[name]} wait`,
                ),
              )}
          </g>
        ))}
        <text x={label} y={height - 5} class="label">
          {minutes} min ago
        </text>
        <text x={width} y={height - 5} class="label" text-anchor="end">
          now; at most {most} waiting
        </text>
      </svg>
    </div>
  );
}

export function told(all: Slice[], participants: string[], minutes: number): string {
  const away = all
    .filter(each => !each.linked)
    .reduce((sum, each) => sum + each.to - each.from, 0);
  const most = participants
    .map(name => [name, Math.max(0, ...all.map(each => each.waiting[name] ?? 0))] as const)
    .filter(([, n]) => n > 0)
    .map(([name, n]) => `${name} at most ${count(n, 'waiting session', 'waiting sessions')}`);
  const when = `The last ${count(minutes, 'minute', 'minutes')}`;
  return (
    `${when}: the coordinator was away for ${Math.round(away / 1000)} s; ` +
    (most.length ? most.join(', ') : 'no session waited')
  );
}

export function StripTable({samples, participants, now, minutes}: Omit<StripProps, 'ownView'>) {
  const all = slices(samples, now - minutes * 60_000, now)
    .slice(-40)
    .reverse();
  return (
    <details>
      <summary>The strip as a table</summary>
      <div class="scroll low" role="region" aria-label="The strip as a table" tabIndex={0}>
        <table>
          <Head
            columns={[
              'Began',
              '# Lasted',
              'Coordinator',
              ...participants.map(name => `# ${name} waiting`),
            ]}
          />
          <tbody>
            {all.map(each => (
              <tr key={each.from}>
                <td>{Math.round((now - each.from) / 1000)} s ago</td>
                <td class="number">{Math.round((each.to - each.from) / 1000)} s</td>
                <td>{each.linked ? '● here' : '╳ away'}</td>
                {participants.map(name => (
                  <td key={name} class="number">
                    {each.waiting[name] ?? '–'}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}
