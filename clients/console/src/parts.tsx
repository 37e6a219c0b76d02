// Small parts that every page uses.
import type {ComponentChildren} from 'preact';
import {useEffect, useRef, useState} from 'preact/hooks';
import {age, local, shortId, utc} from './format';
import {linkTo} from './route';

async function copy(text: string) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Not everywhere is the clipboard open: a page that did not come by TLS must do as of old.
    const area = document.createElement('textarea');
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand('copy');
    area.remove();
  }
}

export function Copy({text, what}: {text: string; what: string}) {
  const [done, setDone] = useState(false);
  useEffect(() => {
    if (!done) return;
    const timer = setTimeout(() => setDone(false), 1500);
    return () => clearTimeout(timer);
  }, [done]);
  return (
    <button
      type="button"
      class="copy"
      aria-label={done ? `${what}: copied` : `Copy ${what}`}
      title={`Copy ${what}`}
      onClick={() => copy(text).then(() => setDone(true))}
    >
      {done ? '✓' : <CopySign />}
    </button>
  );
}

function CopySign() {
  return (
    <svg width="14" height="14" viewBox="0 0 14 14" aria-hidden="true" class="copy-sign">
      <rect x="1" y="1" width="8" height="8" rx="1.5" />
      <rect x="5" y="5" width="8" height="8" rx="1.5" class="upper" />
    </svg>
  );
}

export function TransactionId({id, whole}: {id: string; whole?: boolean}) {
  return (
    <span class="id">
      <a href={linkTo('transaction', id)} title={id} class="mono">
        {whole ? id : shortId(id)}
      </a>
      <Copy text={id} what={`id ${shortId(id)}`} />
    </span>
  );
}

export function Time({iso, now}: {iso?: string; now: number}) {
  if (!iso) return <>–</>;
  const at = Date.parse(iso);
  return (
    <time dateTime={iso} title={`${local(at)} here\n${utc(at)}`}>
      {age(now - at)} ago
    </time>
  );
}

// The signs of the states: the word is always beside them.
const signs: Record<string, string> = {
  in_doubt: '▨',
  committing: '◆',
  committed: '■',
  aborted: '□',
  aborting: '◇',
  open: '○',
  preparing: '△',
  deciding: '◈',
  working: '○',
  prepared: '▨',
  read_only: '■',
  refused: '▼',
  pending: '◆',
  applied: '■',
  heuristic: '!',
  unproven: '!',
  ready: '●',
  welcomed: '◐',
  greeting: '◔',
  away: '╳',
};

export function State({name}: {name: string}) {
  return (
    <span class={`state ${name}`}>
      <span aria-hidden="true">{signs[name] ?? '·'}</span> {name.replaceAll('_', ' ')}
    </span>
  );
}

// The command line looks for the coordinator at its usual place.
const usual = ['127.0.0.1:7400', 'localhost:7400'];

export function Command({text}: {text: string}) {
  const direct = usual.includes(location.host) || text.includes('--participant');
  const whole = direct ? text : `ASSENT_URL=${location.origin} ${text}`;
  return (
    <p class="command">
      <span>In a terminal: </span>
      <code>{whole}</code>
      <Copy text={whole} what="command" />
    </p>
  );
}

// At a participant, of its own database.
export function blockingCommand(own: boolean): string {
  return own ? `assent blocking --participant ${location.host}` : 'assent blocking --watch';
}

export function Empty({title, children}: {title: string; children?: ComponentChildren}) {
  return (
    <div class="empty">
      <p class="empty-title">{title}</p>
      {children}
    </div>
  );
}

// Where nothing has been heard yet; `lostAt`: since when the server has been away.
export function Unheard({lostAt}: {lostAt?: number}) {
  return (
    <Empty
      title={lostAt === undefined ? 'Asking …' : 'Nothing was heard before the server went away'}
    />
  );
}

export function NobodyConnected() {
  return (
    <Empty title="No participant has connected yet">
      <p>
        Start one beside each database: <code>assent-participant --coordinator …</code>
      </p>
    </Empty>
  );
}

// The head of a table; '# Age' is a column of numbers.
export function Head({columns}: {columns: string[]}) {
  return (
    <thead>
      <tr>
        {columns.map(each => (
          <th key={each} scope="col" class={each.startsWith('# ') ? 'number' : undefined}>
            {each.replace(/^# /, '')}
          </th>
        ))}
      </tr>
    </thead>
  );
}

// A wide table scrolls by itself; who has no mouse must be able to reach it.
export function Scroll({label, children}: {label: string; children: ComponentChildren}) {
  return (
    <div class="scroll" role="region" aria-label={label} tabIndex={0}>
      {children}
    </div>
  );
}

// What is uncertain is filled with url(#hatch).
export function Hatch() {
  return (
    <defs>
      <pattern
        id="hatch"
        width="7"
        height="7"
        patternUnits="userSpaceOnUse"
        patternTransform="rotate(45)"
      >
        <rect width="7" height="7" class="hatch-ground" />
        <line x1="0" y1="0" x2="0" y2="7" class="hatch-line" />
      </pattern>
    </defs>
  );
}

// The width of an element, for pictures drawn to fit.
export function useWidth(): [ref: preact.RefObject<HTMLDivElement>, width: number] {
  const ref = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(900);
  useEffect(() => {
    const observer = new ResizeObserver(entries =>
      setWidth(Math.max(160, Math.floor(entries[0].contentRect.width))),
    );
    if (ref.current) observer.observe(ref.current);
    return () => observer.disconnect();
  }, []);
  return [ref, width];
}
