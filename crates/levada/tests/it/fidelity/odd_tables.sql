-- Tables that break simple statements: no key, no columns, all the columns there can be.
create table duplicates (a int, b text);
insert into duplicates select n % 3, case when n % 2 > 0 then 'x' end from generate_series(1, 99) n;
create table no_columns ();
insert into no_columns select from generate_series(1, 1234);
create table no_columns_left (a int);
insert into no_columns_left select n from generate_series(1, 17) n;
alter table no_columns_left drop column a;
create table no_columns_no_rows ();
create table no_columns_child () inherits (no_columns);
insert into no_columns_child select from generate_series(1, 5);
create table only_generated (a int generated always as (7) stored, b text generated always as
  (repeat('x', 3)) stored);
insert into only_generated select from generate_series(1, 21);
create table empty (id int primary key, note text);
select format('create table widest (%s)', string_agg(format('"column %s" int2', n), ', '))
from generate_series(1, 1600) n \gexec
insert into widest ("column 1", "column 1600") select n, -n from generate_series(1, 40) n;
select format('update widest set %s', string_agg(format('"column %s" = %s', n, n), ', '))
from generate_series(3, 1600, 7) n \gexec
create table defaults (
  a int default 1, b text default 'it''s; -- not a comment', c text default E'line\nbreak',
  d timestamptz default '2024-01-01 00:00:00+00', e text[] default array['a', 'b;'],
  f int default (1 + 2) not null, g text default $$dollar ; '$$,
  h text compression pglz
) with (fillfactor = 70, autovacuum_enabled = off);
alter table defaults alter g set storage external;
alter table defaults alter b set statistics 500, alter c set (n_distinct = -0.5);
insert into defaults default values;
create table dropped (a int, b text, c int, d text);
alter table dropped drop column b, drop column c;
alter table dropped add column e int default 5 not null;
insert into dropped select n, 'd' || n from generate_series(1, 10) n;
