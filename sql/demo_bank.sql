-- A bank to try Assent with: install it in two databases and move money between them.
--
--   psql -d bank_a -v role=assent_participant -f sql/demo_bank.sql
\set ON_ERROR_STOP on
\if :{?role}
\else
  \set role assent_participant
\endif

begin;
set local client_min_messages = warning;

create table if not exists account (
  id bigint primary key,
  owner text not null,
  balance numeric(20, 2) not null check (balance >= 0)
);

insert into account (id, owner, balance)
select id, 'customer ' || id, 1000.00 from generate_series(1, 100) as id
on conflict do nothing;

select format('grant select, insert, update, delete on account to %I', :'role') \gexec

commit;
