-- What is blocked, for psql: what assent-participant shows at /v1/blocking, without it. Installed by
-- participant.sql.
--
--   select * from assent.blocking;      the tree: each root, and below it who waits for it
--   select * from assent.wait;          who waits for whom, one line for each pair
--
-- pg_blocking_pids() names the sessions; of a prepared transaction it only says 0. Its locks are
-- those of a virtual transaction without a pid, which the lock on its own id leads to: live as well
-- as after a restart of the server.

-- Whether one mode must wait for the other, as PostgreSQL's manual has it.
create or replace function assent.conflict(a text, b text) returns boolean
language sql immutable parallel safe set search_path = pg_catalog, pg_temp as $$
  select b = any (case a
    when 'AccessShareLock' then '{AccessExclusiveLock}'
    when 'RowShareLock' then '{ExclusiveLock,AccessExclusiveLock}'
    when 'RowExclusiveLock' then
      '{ShareLock,ShareRowExclusiveLock,ExclusiveLock,AccessExclusiveLock}'
    when 'ShareUpdateExclusiveLock' then
      '{ShareUpdateExclusiveLock,ShareLock,ShareRowExclusiveLock,ExclusiveLock,AccessExclusiveLock}'
    when 'ShareLock' then
      '{RowExclusiveLock,ShareUpdateExclusiveLock,ShareRowExclusiveLock,ExclusiveLock,AccessExclusiveLock}'
    when 'ShareRowExclusiveLock' then
      '{RowExclusiveLock,ShareUpdateExclusiveLock,ShareLock,ShareRowExclusiveLock,ExclusiveLock,AccessExclusiveLock}'
    when 'ExclusiveLock' then
      '{RowShareLock,RowExclusiveLock,ShareUpdateExclusiveLock,ShareLock,ShareRowExclusiveLock,ExclusiveLock,AccessExclusiveLock}'
    when 'AccessExclusiveLock' then
      '{AccessShareLock,RowShareLock,RowExclusiveLock,ShareUpdateExclusiveLock,ShareLock,ShareRowExclusiveLock,ExclusiveLock,AccessExclusiveLock}'
    else '{}' end::text[])
$$;

-- A standby shows no prepared transactions, and nothing that is seen there may be read as none.
create or replace function assent.on_primary() returns boolean
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
begin
  if pg_is_in_recovery() then
    raise 'this server is a standby: it does not show prepared transactions'
      using hint = 'Ask the primary.';
  end if;
  return true;
end $$;

drop view if exists assent.blocking;
drop view if exists assent.wait;

-- Each pair of a session that waits and a session (blocker_pid) or prepared transaction
-- (blocker_gid) that it waits for, directly.
create view assent.wait as
with lock as materialized (
  select *, (locktype, database, relation, page, tuple, virtualxid, transactionid, classid, objid,
             objsubid)::text as object
  from pg_catalog.pg_locks where assent.on_primary()),
owner as (
  select l.virtualtransaction, p.gid
  from lock l join pg_catalog.pg_prepared_xacts p on p.transaction = l.transactionid
  where l.locktype = 'transactionid' and l.pid is null and l.granted and l.mode = 'ExclusiveLock')
select w.pid, b.pid as blocker_pid, null as blocker_gid, w.object, w.mode, w.waitstart
from lock w, lateral (select distinct unnest(pg_catalog.pg_blocking_pids(w.pid))) b(pid)
where not w.granted and b.pid <> 0
union all
select distinct w.pid, null::int, o.gid, w.object, w.mode, w.waitstart
from lock w
join lock h on h.object = w.object and h.granted and h.pid is null
           and assent.conflict(w.mode, h.mode)
join owner o on o.virtualtransaction = h.virtualtransaction
where not w.granted;

-- Each waiting session once, under the prepared transaction or else the longest waiting session
-- that it waits for.
create view assent.blocking as
with recursive edge as materialized (select * from assent.wait),
parent as materialized (
  select distinct on (e.pid) e.pid, e.blocker_pid, e.blocker_gid, e.mode, e.waitstart
  from edge e left join (select distinct pid, waitstart from edge) b on b.pid = e.blocker_pid
  order by e.pid, e.blocker_gid, b.pid is not null, b.waitstart),
tree as (
  select null::int as pid, e.gid, 0 as level, null::text as mode, null::timestamptz as waitstart,
    array[e.gid] as path
  from (select gid from pg_catalog.pg_prepared_xacts where database = pg_catalog.current_database())
    e
  union all
  select r.pid, null, 0, null, null, array[r.pid::text]
  from (select distinct blocker_pid as pid from edge where blocker_pid is not null) r
  where not exists (select from edge w where w.pid = r.pid)
  union all
  select p.pid, null, t.level + 1, p.mode, p.waitstart, t.path || p.pid::text
  from tree t join parent p on p.blocker_gid = t.gid or p.blocker_pid = t.pid
  where not p.pid::text = any (t.path))
select t.level,
  repeat('  ', t.level) || coalesce('prepared ' || t.gid, 'pid ' || t.pid) as who,
  t.pid, t.gid, a.application_name as application, coalesce(a.usename, p.owner) as "user",
  t.mode as wants, date_trunc('milliseconds', clock_timestamp() - t.waitstart) as waiting,
  date_trunc('milliseconds', clock_timestamp() - p.prepared) as prepared,
  left(a.query, 200) as query
from tree t
left join pg_catalog.pg_stat_activity a on a.pid = t.pid
left join pg_catalog.pg_prepared_xacts p on p.gid = t.gid
order by t.path;

revoke all on function assent.conflict(text, text), assent.on_primary() from public;
grant usage on schema assent to pg_monitor;
grant execute on function assent.conflict(text, text), assent.on_primary() to pg_monitor;
grant select on assent.blocking, assent.wait to pg_monitor;
