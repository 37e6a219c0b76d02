-- What Assent keeps in a participant's database: marks of the ledgers it has obeyed, and the
-- outcomes of its branches. Run it as a superuser, once, and again to upgrade:
--
--   psql -d shop -v role=assent_participant -f sql/participant.sql
--
-- `role`, by default assent_participant, is the plain login role of assent-participant. It needs no
-- superuser. It reaches these tables through functions only, so that marks can rise and outcomes
-- can be added, and nothing else.
--
-- Clients' statements run in the same role, unless there is another for them:
--
--   psql -d shop -v role=assent_participant -v clients=shop_clients -f sql/participant.sql
--
-- makes shop_clients a login role that may do nothing here, and assent_participant its member, so
-- that it may end what is prepared in it; the participant's key `statements` names it. What clients'
-- statements may touch is granted to the role that they run in, as to any application.
--
-- So that people see what the sessions do that an in-doubt transaction blocks, `role` becomes a
-- member of pg_read_all_stats. Clients' statements that run in it can then read other users' queries
-- in pg_stat_activity as well; where they must not: -v hide_queries=1.
\set ON_ERROR_STOP on
\if :{?role}
\else
  \set role assent_participant
\endif

select format('create role %I login', :'role')
where not exists (select from pg_roles where rolname = :'role') \gexec

\if :{?clients}
  select format('create role %I login', :'clients')
  where not exists (select from pg_roles where rolname = :'clients') \gexec
  select format('grant %I to %I', :'clients', :'role')
  where not pg_has_role(:'role', :'clients', 'member') \gexec
\endif

-- External transactions: an application prepares in the role assent_branch, so that this role may
-- end what it has prepared (PostgreSQL lets nobody else but a superuser). It owns nothing and may
-- do nothing. Grant it to the roles of applications that work so, and to nobody else, for whoever
-- has it may end their branches by hand:  grant assent_branch to shop_app
select 'create role assent_branch nologin'
where not exists (select from pg_roles where rolname = 'assent_branch') \gexec
select format('grant assent_branch to %I', :'role')
where not pg_has_role(:'role', 'assent_branch', 'member') \gexec

begin;
set local client_min_messages = warning;

create schema if not exists assent;
revoke all on schema assent from public;

create table if not exists assent.version (
  only_row boolean primary key default true check (only_row),
  version integer not null,
  installed_at timestamptz not null default now()
);

-- How high this database has seen each ledger count.
create table if not exists assent.mark (
  ledger uuid primary key,
  epoch bigint not null check (epoch >= 0),
  life uuid not null,
  sequence bigint not null default 0 check (sequence >= 0),
  raised_at timestamptz not null default now()
);

-- How branches ended here. `application` as in the protocol: applied, proved, heuristic, unproven;
-- or told: a commit was decided, and carried out after this line. That of a commit which nothing
-- went wrong with stays so: its id says how it ended.
create table if not exists assent.outcome (
  tx uuid not null,
  participant text not null,
  ledger uuid not null,
  epoch bigint not null,
  outcome text not null check (outcome in ('committed', 'aborted')),
  application text not null,
  sequence bigint not null default 0,
  written_at timestamptz not null default now(),
  primary key (tx, participant, ledger)
);
alter table assent.outcome reset (fillfactor);  -- 50 in version 2, which wrote every line twice
alter table assent.outcome add column if not exists xid bigint not null default 0;
-- Only where it is an older one: to add it means to read the whole journal, while nobody writes it.
do $$ begin
  if not exists (
    select from pg_constraint
    where conrelid = 'assent.outcome'::regclass and conname = 'outcome_application_check'
      and pg_get_constraintdef(oid) like '%told%')
  then
    alter table assent.outcome drop constraint if exists outcome_application_check;
    alter table assent.outcome add constraint outcome_application_check
      check (application in ('told', 'applied', 'proved', 'heuristic', 'unproven'));
  end if;
end $$;
create index if not exists outcome_written_at on assent.outcome using brin (written_at);

-- Raises a mark: never lowers it, takes no other life at the same epoch. Answers what is there.
create or replace function assent.raise_mark(
  a_ledger uuid, an_epoch bigint, a_life uuid, a_sequence bigint,
  out epoch bigint, out life uuid, out sequence bigint)
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  insert into assent.mark as m (ledger, epoch, life, sequence)
  values (a_ledger, an_epoch, a_life, a_sequence)
  on conflict (ledger) do update
    set epoch = excluded.epoch, life = excluded.life,
        sequence = greatest(m.sequence, excluded.sequence), raised_at = now()
    where excluded.epoch > m.epoch
       or (excluded.epoch = m.epoch and excluded.life = m.life and excluded.sequence > m.sequence);
  select m.epoch, m.life, m.sequence into strict epoch, life, sequence
  from assent.mark m where m.ledger = a_ledger;
end $$;

create or replace function assent.marks(
  out ledger uuid, out epoch bigint, out life uuid, out sequence bigint)
returns setof record
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select m.ledger, m.epoch, m.life, m.sequence from assent.mark m order by m.ledger
$$;

-- The lines of commits before they are carried out, one element of each array for each. One that is
-- there stays as it is. In PL/pgSQL, which keeps the plan: every commit comes by here, or by the
-- next one, which is for a single line.
create or replace function assent.tell_commits(
  txs uuid[], a_participant text, ledgers uuid[], epochs bigint[], sequences bigint[],
  xids bigint[])
returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  insert into assent.outcome (tx, participant, ledger, epoch, outcome, application, sequence, xid)
  select line.tx, a_participant, line.ledger, line.epoch, 'committed', 'told', line.sequence,
         line.xid
  from unnest(txs, ledgers, epochs, sequences, xids) as line(tx, ledger, epoch, sequence, xid)
  on conflict do nothing;
end $$;

create or replace function assent.tell_commit(
  a_tx uuid, a_participant text, a_ledger uuid, an_epoch bigint, a_sequence bigint, an_xid bigint)
returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  insert into assent.outcome (tx, participant, ledger, epoch, outcome, application, sequence, xid)
  values (a_tx, a_participant, a_ledger, an_epoch, 'committed', 'told', a_sequence, an_xid)
  on conflict do nothing;
end $$;

-- Those of the transactions a commit was told of whose end is not known.
drop function if exists assent.told_commits(uuid[], text);  -- version 2's tells less
create or replace function assent.told_commits(txs uuid[], a_participant text,
  out tx uuid, out ledger uuid, out sequence bigint, out xid bigint)
returns setof record
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select o.tx, o.ledger, o.sequence, o.xid from unnest(txs) as asked(tx)
  join assent.outcome o on o.tx = asked.tx
  where o.participant = a_participant and o.application = 'told'
$$;

-- Raises the sequence numbers of marks.
create or replace function assent.raise_sequences(ledgers uuid[], sequences bigint[])
returns void
language sql security definer set search_path = pg_catalog, pg_temp as $$
  update assent.mark m set sequence = seen.sequence, raised_at = now()
  from (select ledger, max(sequence) as sequence
        from unnest(ledgers, sequences) as line(ledger, sequence) group by ledger) seen
  where m.ledger = seen.ledger and m.sequence < seen.sequence;
$$;

-- Adds outcomes (one element of each array for each) and raises the marks' sequence numbers. What
-- was only told is written over; an outcome that is there stays as it is.
create or replace function assent.write_outcomes(
  txs uuid[], participants text[], ledgers uuid[], epochs bigint[], outcomes text[],
  applications text[], sequences bigint[])
returns void
language sql security definer set search_path = pg_catalog, pg_temp as $$
  insert into assent.outcome (tx, participant, ledger, epoch, outcome, application, sequence)
  select * from unnest(txs, participants, ledgers, epochs, outcomes, applications, sequences)
  on conflict (tx, participant, ledger) do update
    set outcome = excluded.outcome, application = excluded.application
    where outcome.application = 'told';

  select assent.raise_sequences(ledgers, sequences);
$$;

-- Version 1's, which would take what was told for what was done.
drop function if exists assent.read_outcome(uuid, text, uuid);

create or replace function assent.read_line(
  a_tx uuid, a_participant text, a_ledger uuid,
  out outcome text, out application text, out sequence bigint, out xid bigint)
returns setof record
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select o.outcome, o.application, o.sequence, o.xid from assent.outcome o
  where o.tx = a_tx and o.participant = a_participant and o.ledger = a_ledger
$$;

-- Deletes up to `at_most` outcomes older than `age`; those that a person must hear of are kept, and
-- what was told of a branch that is still prepared.
create or replace function assent.trim_outcomes(age interval, at_most integer)
returns bigint
language sql security definer set search_path = pg_catalog, pg_temp as $$
  with old as (
    select o.ctid from assent.outcome o
    where o.written_at < now() - age and (o.application in ('applied', 'proved')
      or o.application = 'told'
        and concat_ws(':', 'assent1', o.ledger, o.epoch, o.tx, o.participant)
          <> all (array(select gid from pg_prepared_xacts)))
    limit at_most),
  gone as (delete from assent.outcome o using old where o.ctid = old.ctid returning 1)
  select count(*) from gone
$$;

create or replace function assent.installed_version() returns integer
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select version from assent.version
$$;

insert into assent.version (version) values (3)
on conflict (only_row) do update set version = excluded.version, installed_at = now();

revoke all on all functions in schema assent from public;
select format('grant usage on schema assent to %I', :'role') \gexec
select format('grant execute on all functions in schema assent to %I', :'role') \gexec

\ir blocking.sql

\if :{?hide_queries}
  select format('revoke pg_read_all_stats from %I', :'role') \gexec
\else
  select format('grant pg_read_all_stats to %I', :'role') \gexec
\endif

commit;
