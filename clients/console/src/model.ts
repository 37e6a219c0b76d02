// What the API gives, typed from docs/openapi.yaml.
import type {components} from './api-types';

type Schemas = components['schemas'];
export type Transaction = Schemas['Transaction'];
export type Timeline = Schemas['Timeline'];
export type Happening = Schemas['Happening'];
export type Overview = Schemas['Overview'];

// What a session that waits always has.
type Session = Schemas['BlockingSession'];
type Waiting = 'level' | 'waits_for' | 'mode' | 'waiting_ms' | 'blocked_by';
export type Waiter = Session & Required<Pick<Session, Waiting>>;

export type Root = Omit<Schemas['BlockingRoot'], 'waiters'> &
  Partial<Omit<Session, Waiting>> & {waiters: Waiter[]};
export type Database = Omit<Schemas['BlockingReport'], 'roots'> & {roots: Root[]};
export type Blocking = Omit<Schemas['Blocking'], 'databases'> & {databases: Database[]};

type Past = Schemas['BlockingHistory']['databases'][number];
export type Ended = Omit<Past['ended'][number], 'root'> & {root: Root};
export type History = Omit<Schemas['BlockingHistory'], 'databases'> & {
  databases: (Omit<Past, 'ended'> & {ended: Ended[]})[];
};

export interface Version {
  version: string;
  ledger?: string;
  epoch?: number;
  standing?: string;
  participant?: string; // set: this origin is a participant
}
