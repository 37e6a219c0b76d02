// The blast radius, drawn.
import {cut} from './format';
import {lay, rowHeight, stack, type Blast, type Node} from './blast';
import type {Blocking} from './model';
import {Hatch, useWidth} from './parts';
import {linkTo} from './route';

const pad = 6;
const least = 700; // narrower than that it is a stack
const step = 16;

function Box({node, x, width}: {node: Node; x: number; width: number}) {
  const inset = node.kind === 'transaction' ? 24 : 9;
  const shape = (
    <g
      role="img"
      tabIndex={node.transaction ? undefined : 0}
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
  return node.kind === 'transaction' && node.transaction ? (
    <a href={linkTo('transaction', node.transaction)}>{shape}</a>
  ) : (
    shape
  );
}

export function BlastPicture({blocking}: {blocking: Blocking}) {
  const [ref, outer] = useWidth();
  const narrow = outer < least;
  const blast = narrow ? stack(lay(blocking)) : lay(blocking);
  const column = outer / 3;
  const place = (node: Node) => {
    if (narrow) {
      const indent = Math.min(6, node.depth ?? 0) * step;
      return {x: pad + indent, width: outer - 2 * pad - indent};
    }
    const indent = Math.min(4, Math.max(0, (node.level ?? 1) - 1)) * step;
    return {x: node.column * column + pad + indent, width: column - 44 - indent};
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
          {blast.nodes.map(node => (
            <Box key={node.key} node={node} {...place(node)} />
          ))}
        </g>
      </svg>
    </div>
  );
}

function Edges({blast, place}: {blast: Blast; place(node: Node): {x: number; width: number}}) {
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
