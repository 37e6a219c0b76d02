// Lanes, drawn: shape before colour. Hatched is uncertain, a diamond is the decision.
import {cut, span} from './format';
import type {Lane, Mark, Picture, Stretch} from './lanes';
import {Hatch, useWidth} from './parts';

const tall = 30;
const spoken = 18; // what the party may do alone, under its lane
const top = 8;

function Sign({mark, x, y}: {mark: Mark; x: number; y: number}) {
  const shapes: Record<Mark['kind'], preact.JSX.Element> = {
    step: <circle cx={x} cy={y} r="4.5" />,
    decision: <path d={`M${x} ${y - 9}l9 9l-9 9l-9 -9z`} />,
    start: <path d={`M${x - 2} ${y - 9}h4v18h-4z`} />,
    yes: <path d={`M${x} ${y - 7}l7 12h-14z`} />,
    no: <path d={`M${x} ${y + 7}l7 -12h-14z`} />,
    cut: <path d={`M${x - 5} ${y - 5}l10 10m0 -10l-10 10`} class="cross" />,
    end: <path d={`M${x - 5} ${y - 5}h10v10h-10z`} />,
    damage: <path d={`M${x} ${y - 9}v11m0 4v3`} class="cross" />,
  };
  return (
    <g class={`mark ${mark.kind}`}>
      {shapes[mark.kind]}
      <title>{mark.text}</title>
    </g>
  );
}

function thickness(kind: Stretch['kind']): number {
  if (kind === 'bound') return 16;
  return kind === 'locks' || kind === 'waits' ? 9 : 4;
}

const heightOf = (lane: Lane) => tall + (lane.alone ? spoken : 0);

function LaneRow({
  lane,
  y,
  x,
  width,
}: {
  lane: Lane;
  y: number;
  x(us: number): number;
  width: number;
}) {
  const small = ['locks', 'waiter', 'held_up'].includes(lane.kind);
  const middle = y + tall / 2;
  const whole = heightOf(lane);
  const said = [
    ...lane.stretches.map(each => each.text),
    ...lane.marks.map(each => each.text),
  ].join('; ');
  return (
    <g
      role="img"
      tabIndex={0}
      aria-label={`${lane.party}: ${said}${lane.alone ? `. Alone: ${lane.alone}` : ''}`}
      class={`lane ${lane.kind}`}
    >
      <rect x="0" y={y} width={width} height={whole} class="ground" />
      <text x={small ? 14 : 4} y={middle + 4} class={small ? 'detail' : 'title'}>
        {cut(lane.party, x(0) - (small ? 14 : 4))}
      </text>
      {lane.stretches.map((each, i) => {
        const thick = thickness(each.kind);
        return (
          <rect
            key={i}
            x={x(each.from)}
            y={middle - thick / 2}
            width={Math.max(2, x(each.to) - x(each.from))}
            height={thick}
            class={`stretch ${each.kind}`}
          >
            <title>{each.text}</title>
          </rect>
        );
      })}
      {lane.alone && (
        <text x={x(0)} y={y + tall + 9} class="detail">
          {cut(`alone: ${lane.alone}`, width - x(0))}
        </text>
      )}
      {lane.marks.map((each, i) => (
        <Sign key={i} mark={each} x={x(each.at)} y={middle} />
      ))}
    </g>
  );
}

export function Lanes({picture}: {picture: Picture}) {
  const [ref, width] = useWidth();
  const label = width < 520 ? 96 : 136;
  const x = (us: number) => label + (us / picture.length) * (width - label - 12);
  let height = top;
  const places = picture.lanes.map(lane => (height += heightOf(lane)) - heightOf(lane));
  height += 22;
  return (
    <div ref={ref}>
      <svg
        width={width}
        height={height}
        role="group"
        aria-label="Who did what, and who waited for whom"
        class="lanes"
      >
        <Hatch />
        {picture.lanes.map((lane, i) => (
          <LaneRow key={`${lane.party} ${i}`} lane={lane} y={places[i]} x={x} width={width} />
        ))}
        <text x={label} y={height - 6} class="detail">
          0
        </text>
        <text x={width - 6} y={height - 6} class="detail" text-anchor="end">
          {picture.over ? 'its end: ' : 'now: '}
          {span(picture.length)}
        </text>
      </svg>
    </div>
  );
}

export function Legend() {
  return (
    <p class="legend">
      <span>
        <svg width="34" height="16" aria-hidden="true">
          <rect y="1" width="34" height="14" class="stretch bound" />
        </svg>{' '}
        uncertain: bound by its yes, the decision unknown
      </span>
      <span>
        <span aria-hidden="true">◆</span> the decision
      </span>{' '}
      <span>
        <span aria-hidden="true">▲</span> votes yes
      </span>{' '}
      <span>
        <span aria-hidden="true">▼</span> votes no
      </span>{' '}
      <span>
        <span aria-hidden="true">■</span> has ended its part
      </span>{' '}
      <span>
        <span aria-hidden="true">╳</span> link cut
      </span>
    </p>
  );
}
