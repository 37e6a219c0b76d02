// The one sentence, first on every page. What blocks is told by the server in its own words; here
// comes what only the page knows: that nobody answers it any more.
import {age, count} from './format';
import type {Blocking} from './model';

export interface Situation {
  participant?: string; // set: the page is a participant's
  blocking?: Blocking; // the last that came
  lostMs?: number; // nobody has answered for so long
  tokenAsked?: boolean; // the server tells this only to those who show a token
}

export function sentence(now: Situation): string {
  if (now.tokenAsked) return 'This server tells what is blocked to those who show a token.';
  if (now.lostMs === undefined) return now.blocking?.sentence ?? 'Asking what is blocked …';
  const who = now.participant ? `Participant ${now.participant}` : 'Coordinator';
  const lead = `${who} not reached for ${age(now.lostMs)}`;
  if (!now.blocking) return `${lead}.`;
  return (
    `${lead}. When it last answered: ${lastKnown(now.blocking)} ` +
    (now.participant
      ? 'What its database blocks now is not known here.'
      : 'What is prepared stays prepared until it returns.')
  );
}

function lastKnown(blocking: Blocking): string {
  const {summary} = blocking;
  const all = summary.transactions_in_doubt + summary.transactions_applying;
  if (all === 0 && summary.sessions_waiting === 0)
    return 'nothing was in doubt and no session waited.';
  return (
    `${count(all, 'transaction was', 'transactions were')} unfinished and ` +
    `${count(summary.sessions_waiting, 'session', 'sessions')} waited.`
  );
}

export type Mood = 'asking' | 'calm' | 'busy' | 'blocked' | 'lost';

// Told by a sign and a word as well as by colour.
export function mood(now: Situation): Mood {
  if (now.lostMs !== undefined) return 'lost';
  const summary = now.blocking?.summary;
  if (!summary) return 'asking';
  if (summary.coordinator === 'away' || summary.transactions_in_doubt > 0) return 'blocked';
  if (summary.sessions_waiting > 0 || summary.transactions_applying > 0 || now.blocking?.partial)
    return 'busy';
  return 'calm';
}

// What of the situation is worth saying aloud: numbers that count up by themselves are not.
export function gist(now: Situation): string {
  const summary = now.blocking?.summary;
  return [
    now.lostMs === undefined,
    summary?.coordinator,
    summary?.transactions_in_doubt,
    summary?.transactions_applying,
    summary?.sessions_held,
    now.blocking?.partial,
  ].join();
}
