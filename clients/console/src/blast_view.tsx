// The blast radius, drawn.
import {cut} from './format';
import {lay, rowHeight, stack, type Blast, type Node} from './blast';
import type {Blocking} from './model';
import {Hatch, useWidth} from './parts';
import {linkTo} from './route';

const pad = 6;
const least = 700; // narrower than that it is a stack
const step = 16;
const linkRoom = 26; // in the margin, for those that hold up what is elsewhere

function Box({node, x, width}: {node: Node; x: number; width: number}) {
  const leadsOn = node.transaction && node.kind !== 'foreign';
  const inset = node.kind === 'transaction' ? 24 : 9;
  const shape = (
    <g
      role="img"
      tabIndex={leadsOn ? undefined : 0}
      aria-label={`${node.title}: ${node.detail}`}
      class={`node ${node.kind}`}
    >
      <title>
        {node.title}: {node.detail}
      </title>
      <rect x={x} y={node.y + 3} width={width} height={rowHeight - 8} rx="5" />
      {node.kind === 'transaction' && (
        <rect x={x} y={node.y + 3} width={16} height={rowHeight - 8} rx="5" class="hatched" />
      )}
      <text x={x + inset} y={node.y + 19} class="title">
        {cut(node.title, (width - inset) * 0.85)}
      </text>
      <text x={x + inset} y={node.y + 34} class="detail">
        {cut(node.detail, width - inset - 3)}
      </text>
    </g>
  );
  return leadsOn ? <a href={linkTo('transaction', node.transaction)}>{shape}</a> : shape;
}

export function BlastPicture({blocking}: {blocking: Blocking}) {
  const [ref, outer] = useWidth();
  const narrow = outer < least;
  const blast = narrow ? stack(lay(blocking)) : lay(blocking);
  const column = outer / 3;
  const margin = blast.links.length > 0 ? linkRoom : 0;
  const place = (node: Node) => {
    if (narrow) {
      const indent = Math.min(6, node.depth ?? 0) * step;
      return {x: pad + margin + indent, width: outer - 2 * pad - margin - indent};
    }
    const indent = Math.min(4, Math.max(0, (node.level ?? 1) - 1)) * step;
    const left = pad + indent + (node.column === 0 ? margin : 0);
    return {x: node.column * column + left, width: column - 38 - left};
  };
  const heads = narrow ? [] : ['in doubt, or holding', 'what it holds', 'who waits'];
  const top = narrow ? 0 : 22;
  return (
    <div ref={ref} class="scroll" role="region" aria-label="The blast radius, drawn" tabIndex={0}>
      <svg
        width={outer}
        height={blast.height + top + 4}
        role="group"
        aria-label="What is in doubt, what it holds, who waits"
      >
        <Hatch />
        {heads.map((text, i) => (
          <text key={text} x={i * column + pad} y="15" class="head">
            {text}
          </text>
        ))}
        <g transform={`translate(0 ${top})`}>
          <Edges blast={blast} place={place} />
          <Links blast={blast} place={place} />
          {blast.nodes.map(node => (
            <Box key={node.key} node={node} {...place(node)} />
          ))}
        </g>
      </svg>
      {blast.links.length > 0 && (
        <p class="legend">
          <span>
            <svg width="34" height="16" aria-hidden="true">
              <path d="M0 8H26" class="link-line" />
              <path d={arrow(32, 8)} class="link-head" />
            </svg>{' '}
            holds up the work, and so the vote, of a transaction in doubt elsewhere
          </span>
        </p>
      )}
    </div>
  );
}

const arrow = (x: number, y: number) => `M${x} ${y}l-7 -4.5v9z`;

// In the margin, from who holds up to who is held up.
function Links({blast, place}: PlacedBlast) {
  const byKey = new Map(blast.nodes.map(each => [each.key, each]));
  return (
    <>
      {blast.links.map((link, i) => {
        const from = byKey.get(link.from),
          to = byKey.get(link.to);
        if (!from || !to) return null;
        const turn = pad + (i % 4) * 4;
        const y1 = from.y + rowHeight / 2,
          y2 = to.y + rowHeight / 2 + (i % 3) * 5 - 5;
        return (
          <g
            key={`${link.from} ${link.to}`}
            role="img"
            aria-label={`${from.title} holds up ${to.title}`}
          >
            <title>
              {from.title} holds up {to.title}
            </title>
            <path
              d={`M${place(from).x} ${y1}H${turn}V${y2}H${place(to).x - 6}`}
              class="link-line"
            />
            <path d={arrow(place(to).x, y2)} class="link-head" />
          </g>
        );
      })}
    </>
  );
}

interface PlacedBlast {
  blast: Blast;
  place(node: Node): {x: number; width: number};
}

function Edges({blast, place}: PlacedBlast) {
  const byKey = new Map(blast.nodes.map(each => [each.key, each]));
  return (
    <g aria-hidden="true">
      {blast.edges.map(edge => {
        const from = byKey.get(edge.from),
          to = byKey.get(edge.to);
        if (!from || !to) return null;
        const a = place(from),
          b = place(to);
        const y1 = from.y + rowHeight / 2,
          y2 = to.y + rowHeight / 2;
        const d =
          from.column === to.column || to.depth !== undefined
            ? `M${a.x + 6} ${from.y + rowHeight - 5}V${y2}H${b.x}`
            : `M${a.x + a.width} ${y1}C${a.x + a.width + 24} ${y1} ${b.x - 24} ${y2} ${b.x} ${y2}`;
        return <path key={`${edge.from} ${edge.to}`} d={d} class="edge" />;
      })}
    </g>
  );
}
