// The keyboard: every letter can be turned off, for those whose software types by itself.
import {pages, linkTo, type Page} from './route';

export const help: [string, string][] = [
  ['g o, g b, g t, g p', 'overview, blocking, transactions, participants'],
  ['/', 'to the filter'],
  ['j, k', 'next, previous row'],
  ['Enter', 'open the row'],
  ['Esc', 'back, or close'],
  ['.', 'hold everything still, or go on'],
  ['?', 'this help'],
];

const shelf = 'assent.keys';
export const keysAreOn = () => localStorage.getItem(shelf) !== 'off';
export const setKeys = (on: boolean) => localStorage.setItem(shelf, on ? 'on' : 'off');

export interface Actions {
  help(): void;
  pause(): void;
}

let going = false;

export function handleKeys(actions: Actions): () => void {
  const listener = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    const target = event.target as HTMLElement;
    const typing = target.matches('input, textarea, select');
    if (event.key === 'Escape') return escape(target, typing);
    if (document.querySelector('dialog[open]')) return;
    if (event.key === 'Enter' && target.matches('[data-row]')) return open(target);
    if (typing || !keysAreOn()) return;
    if (press(event.key, actions)) event.preventDefault();
  };
  document.addEventListener('keydown', listener);
  return () => document.removeEventListener('keydown', listener);
}

function press(key: string, actions: Actions): boolean {
  if (going) {
    going = false;
    const page: Page | undefined = pages.find(each => each[0] === key);
    if (page) location.hash = linkTo(page);
    return page !== undefined;
  }
  if (key === 'g') going = true;
  else if (key === '?') actions.help();
  else if (key === '.') actions.pause();
  else if (key === '/') document.querySelector<HTMLElement>('[data-filter]')?.focus();
  else if (key === 'j' || key === 'k') move(key === 'j' ? 1 : -1);
  else return false;
  return true;
}

function move(step: 1 | -1) {
  const rows = [...document.querySelectorAll<HTMLElement>('[data-row]')];
  const at = rows.indexOf(
    document.activeElement?.closest<HTMLElement>('[data-row]') as HTMLElement,
  );
  const to =
    at < 0 ? (step > 0 ? 0 : rows.length - 1) : Math.min(rows.length - 1, Math.max(0, at + step));
  rows[to]?.focus();
}

function open(row: HTMLElement) {
  row.querySelector<HTMLElement>('a')?.click();
}

function escape(target: HTMLElement, typing: boolean) {
  if (document.querySelector('dialog[open]')) return; // the dialog closes itself
  if (typing) return target.blur();
  if (location.hash.startsWith('#/transactions/')) history.back();
}
