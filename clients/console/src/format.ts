// Numbers and times as people read them.

export function age(ms: number): string {
  const seconds = Math.floor(Math.max(0, ms) / 1000);
  if (seconds < 1) return 'less than a second';
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 120 * 60) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 48 * 3600) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86400)} days`;
}

// To the microsecond: of what the coordinator measured.
export function span(us: number): string {
  if (us < 1000) return `${Math.round(us)} µs`;
  if (us < 1e6) return `${(us / 1e3).toFixed(1)} ms`;
  if (us < 120e6) return `${(us / 1e6).toFixed(1)} s`;
  return age(us / 1e3);
}

export function count(number: number, one: string, many: string): string {
  return `${number.toLocaleString('en')} ${number === 1 ? one : many}`;
}

export function plain(number: number | undefined): string {
  return number === undefined ? '–' : number.toLocaleString('en');
}

// Enough of an id to tell it from its neighbours: those of one moment begin alike.
export function shortId(id: string): string {
  return id.length > 16 ? `${id.slice(0, 8)}…${id.slice(-6)}` : id;
}

export function utc(at: number): string {
  return new Date(at).toISOString().replace('T', ' ').replace('Z', ' UTC');
}

export function local(at: number): string {
  const date = new Date(at);
  const two = (n: number) => String(n).padStart(2, '0');
  return (
    `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ` +
    `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`
  );
}

export function words(name: string): string {
  return name.replaceAll('_', ' ');
}

export function keyText(key: Record<string, unknown> | undefined): string {
  return key === undefined
    ? ''
    : Object.entries(key)
        .map(([k, v]) => `${k}=${v}`)
        .join(', ');
}

// For text in a picture: as much as is about so many pixels wide.
export function cut(text: string, width: number): string {
  const most = Math.max(2, Math.floor(width / 7));
  return text.length > most ? `${text.slice(0, most - 1)}…` : text;
}
