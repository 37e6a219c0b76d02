// A number over time as a line, with its table.
import {Head, useWidth} from './parts';

export interface Point {
  at: number;
  value?: number; // undefined: not known then
}

export interface SeriesProps {
  title: string;
  unit: string;
  points: Point[];
  window: number; // milliseconds, until now
  now: number;
  show(value: number): string;
}

const height = 64;

// Pieces of a line: where nothing is known there is no line.
export function pieces(
  points: Point[],
  from: number,
  to: number,
  most: number,
  width: number,
): string[] {
  const found: string[] = [];
  let open = '';
  let before = 0;
  for (const {at, value} of points) {
    if (at < from) continue;
    if (value === undefined || (open && at - before > 15_000)) {
      if (open) found.push(open);
      open = '';
    }
    before = at;
    if (value === undefined) continue;
    const x = ((at - from) / (to - from)) * width;
    const y = height - 3 - (value / most) * (height - 8);
    open += `${open ? 'L' : 'M'}${x.toFixed(1)} ${y.toFixed(1)}`;
  }
  if (open) found.push(open);
  return found;
}

export function Series({title, unit, points, window: length, now, show}: SeriesProps) {
  const [ref, width] = useWidth();
  const values = points.filter(each => each.at >= now - length).flatMap(each => each.value ?? []);
  const most = Math.max(1e-9, ...values);
  const last = points[points.length - 1]?.value;
  const latest = last === undefined ? 'not known' : show(last);
  const summary =
    values.length === 0 ? 'nothing yet' : `now ${latest}, at most ${show(Math.max(...values))}`;
  const recent = points
    .filter(each => each.at >= now - length)
    .slice(-60)
    .reverse();
  return (
    <section class="series">
      <h3>
        {title} <small>{unit}</small>
      </h3>
      <p class="figure">{last === undefined ? '–' : show(last)}</p>
      <div ref={ref}>
        <svg width={width} height={height} role="img" aria-label={`${title}: ${summary}`}>
          <line x1="0" x2={width} y1={height - 3} y2={height - 3} class="axis" />
          {pieces(points, now - length, now, most, width).map((d, i) => (
            <path key={i} d={d} class="line" />
          ))}
        </svg>
      </div>
      <details>
        <summary>
          {summary}
          <span class="unseen"> of {title}, as a table</span>
        </summary>
        <div class="scroll low" role="region" aria-label={`${title}, as a table`} tabIndex={0}>
          <table>
            <Head columns={['Ago', `# ${title}`]} />
            <tbody>
              {recent.map(each => (
                <tr key={each.at}>
                  <td>{Math.round((now - each.at) / 1000)} s</td>
                  <td class="number">{each.value === undefined ? '–' : show(each.value)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </details>
    </section>
  );
}
