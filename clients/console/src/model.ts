// What the API gives. The coordinator's part is typed from docs/openapi.yaml.
import type {components} from './api-types';

type Schemas = components['schemas'];
export type Transaction = Schemas['Transaction'];
export type Timeline = Schemas['Timeline'];
export type Happening = Schemas['Happening'];

export type Overview = Schemas['Overview'];

export interface Version {
  version: string;
  ledger?: string;
  epoch?: number;
  standing?: string;
  participant?: string;  // set: this origin is a participant
}

export interface Row {
  relation: string;
  page: number;
  line: number;
  key?: Record<string, unknown>;
}

export interface Waiter {
  level: number;
  pid: number;
  application?: string;
  user?: string;
  query?: string;
  query_hidden?: string;
  state?: string;
  waits_for: {type: string; what: string; relation?: string; row?: Row; queue_position: number};
  mode: string;
  waiting_ms: number;
  blocked_by: (number | string)[];
  behind?: (number | string)[];
  behind_count?: number;
}

export interface Lock {
  type: string;
  what: string;
  kind?: string;
  modes: string[];
}

export interface Root {
  kind: 'branch' | 'foreign' | 'session';
  gid?: string;
  pid?: number;
  application?: string;
  user?: string;
  query?: string;
  state?: string;
  transaction?: string;
  peers?: string[];
  owner?: string;
  xid_age?: number;
  age_ms?: number;
  transaction_ms?: number;
  knowledge?: {state: string; text: string; attempts?: number};
  frees: {by: string; what: string; then: string};
  locks?: Lock[];
  locks_held?: number;
  rows?: Row[];
  waiting: number;
  waiters: Waiter[];
}

interface Use {
  open: number;
  busy: number;
  waiting: number;
}

export interface Database {
  participant: string;
  answers: boolean;
  not_answering_because?: string;
  age_ms?: number;
  database?: string;
  server_version?: string;
  console?: string;
  coordinator?: {linked: boolean; away_ms?: number};
  pool?: {lanes: Use; sessions: Use; finishers: Use};
  slots?: {used: number; of: number};
  horizon?: {
    oldest_prepared_xid_age: number;
    oldest_frozen_xid_age: number;
    autovacuum_freeze_max_age: number;
    held_by_prepared: boolean;
    dead_rows?: number;
  };
  remedy?: string;
  waiting?: {all: number; for_branches: number; for_foreign: number};
  waiters_left_out?: number;
  roots: Root[];
}

export interface Blocking {
  sentence: string;
  partial: boolean;
  summary: {
    transactions_in_doubt: number;
    transactions_applying: number;
    databases: number;
    oldest_ms: number;
    sessions_waiting: number;
    sessions_held: number;
    foreign_prepared: number;
    coordinator: 'here' | 'away';
    away_ms?: number;
  };
  databases: Database[];
}

export interface History {
  samples: {at_ms: number; in_doubt: number; waiting: number; linked: boolean}[];
  ended: {ended_at_ms: number; most_waiting: number; root: Root}[];
}
