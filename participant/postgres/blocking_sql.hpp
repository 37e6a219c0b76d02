// What the observer asks. Read-only, on any PostgreSQL from 14 on, by a plain role.
#pragma once

namespace assent {

// Nobody's settings may make the observer wait, write, or call what is not PostgreSQL's own.
inline constexpr const char* observer_settings =
    "select set_config('search_path', 'pg_catalog', false), set_config('jit', 'off', false), "
    "set_config('statement_timeout', '2s', false), set_config('lock_timeout', '20ms', false), "
    "set_config('idle_session_timeout', '0', false), "
    "set_config('default_transaction_read_only', 'on', false), "
    "set_config('row_security', 'on', false), set_config('role', 'none', false)";

inline constexpr const char* observer_statements[] = {
    R"sql(
prepare assent_glance as
select pg_is_in_recovery(),
  (select count(*) from pg_prepared_xacts
   where database = current_database() and prepared < clock_timestamp() - interval '1 second'),
  (select count(*) from pg_locks where not granted),
  (select count(*) from pg_prepared_xacts), current_setting('max_prepared_transactions')
)sql",

    // What is waited for, by whom, and all that prepared transactions hold. Of the rest only what
    // helps to name rows and tables: the row locks, and what those write who wait for a
    // transaction. Hundreds of sessions hold thousands of locks; this keeps the answer small.
    R"sql(
prepare assent_locks as
with lock as materialized (select * from pg_locks where mode <> 'SIReadLock'),
wanted as materialized (
  select distinct locktype, relation, virtualxid, pid from lock where not granted)
select locktype, database, relation, page, tuple, transactionid, virtualxid, classid, objid,
  objsubid, virtualtransaction, coalesce(pid, 0), mode, granted,
  (extract(epoch from waitstart) * 1000000)::bigint
from lock
where pid is null or not granted or locktype not in ('relation', 'virtualxid')
   or (locktype = 'virtualxid'
       and virtualxid in (select virtualxid from wanted where virtualxid is not null))
   or (locktype = 'relation'
       and (relation in (select relation from wanted where locktype = 'relation')
            or (mode = 'RowExclusiveLock'
                and pid in (select pid from wanted where locktype = 'transactionid'))))
)sql",

    R"sql(
prepare assent_sessions as
select pid, leader_pid, datname, usename, application_name, host(client_addr), backend_type, state,
  left(query, 300), query = '<insufficient privilege>',
  (extract(epoch from xact_start) * 1000)::bigint
from pg_stat_activity where pid <> pg_backend_pid()
)sql",

    R"sql(
prepare assent_prepared as
select gid, transaction, age(transaction), owner, database,
  (extract(epoch from prepared) * 1000)::bigint
from pg_prepared_xacts order by prepared, gid
)sql",

    R"sql(
prepare assent_facts as
select pg_is_in_recovery(), (extract(epoch from clock_timestamp()) * 1000)::bigint,
  current_database(), current_setting('max_prepared_transactions'),
  current_setting('autovacuum_freeze_max_age'), current_setting('server_version'), current_user,
  pg_has_role('pg_read_all_stats', 'usage'),
  (select max(age(datfrozenxid)) from pg_database),
  (select max(age(backend_xmin)) from pg_stat_activity where pid <> pg_backend_pid()),
  (select max(age(xmin)) from pg_replication_slots)
)sql",

    // The primary key as arguments of json_build_object, where each of its columns may be read.
    R"sql(
prepare assent_relations(oid[]) as
select c.oid, format('%I.%I', n.nspname, c.relname), c.relkind, (
  select string_agg(format('%L, left(%I::text, 100)', a.attname, a.attname), ', ' order by k.place)
  from pg_index i, unnest(i.indkey) with ordinality k(number, place), pg_attribute a
  where i.indrelid = c.oid and i.indisprimary and a.attrelid = c.oid and a.attnum = k.number
  having bool_and(has_column_privilege(c.oid, a.attnum, 'select')))
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.oid = any($1)
)sql",

    R"sql(
prepare assent_dead_rows as
select coalesce(sum(pg_stat_get_dead_tuples(oid)), 0) from pg_class where relkind in ('r', 'm', 't')
)sql",
};

}  // namespace assent
