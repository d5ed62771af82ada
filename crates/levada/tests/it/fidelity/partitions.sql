-- Partitions of every kind, with what hangs on them; inheritance with rows on all levels.
select current_setting('server_version_num')::int >= 150000 as at_least_15 \gset
create table kinds (id int primary key, name text not null unique);
insert into kinds select n, 'kind ' || n from generate_series(0, 9) n;

create table events (
  id bigint generated always as identity,
  at date not null,
  region text not null,
  kind int not null references kinds,
  size numeric not null default 1,
  doubled numeric generated always as (size * 2) stored,
  note text,
  constraint "events have a size" check (size > 0),
  primary key (id, at, region)
) partition by range (at);
create table events_2023 partition of events for values from ('2023-01-01') to ('2024-01-01');
create table events_2024 partition of events for values from ('2024-01-01') to ('2025-01-01')
  partition by list (region);
create table events_2024_north partition of events_2024 for values in ('north', 'west');
create table events_2024_south partition of events_2024 for values in ('south')
  partition by hash (id);
create table events_2024_south_0 partition of events_2024_south
  for values with (modulus 2, remainder 0);
create table events_2024_south_1 partition of events_2024_south
  for values with (modulus 2, remainder 1);
create table events_2024_rest partition of events_2024 default;
-- Another order of columns, one of them dropped, and an index and a check of its own.
create table events_old (
  note text, gone int, kind int not null, region text not null, size numeric not null,
  at date not null, id bigint not null, doubled numeric generated always as (size * 2) stored,
  constraint "events have a size" check (size > 0),
  constraint "old events are small" check (size < 1000)
);
alter table events_old drop column gone;
alter table events attach partition events_old default;
create index events_by_kind on events (kind, at desc);
create index events_by_note on events (lower(note)) include (size) where size > 2;
create index events_old_alone on events_old (note);
create unique index "events unique" on events (id, at, region) where kind > 3;
insert into events (at, region, kind, size, note)
select date '2022-06-01' + n, (array['north', 'west', 'south', 'east'])[1 + n % 4], n % 10,
  1 + n % 7, case when n % 3 > 0 then 'Note ' || n end
from generate_series(1, 1500) n;

-- Keys to and from partitioned tables.
create table notes (
  event bigint, at date, region text, body text,
  foreign key (event, at, region) references events (id, at, region) on delete cascade
);
insert into notes select id, at, region, 'about ' || id from events where id % 5 = 0;
create table readings (
  day int not null, sensor int not null, value float8, kind int,
  constraint readings_once unique (day, sensor),
  foreign key (kind) references kinds deferrable initially deferred
) partition by list (day);
create table readings_1 partition of readings for values in (1, null);
create table readings_2 partition of readings (constraint positive check (value > 0))
  for values in (2);
insert into readings select 1 + n % 2, n, n / 3.0, n % 10 from generate_series(1, 100) n;
create table empty_parent (id int) partition by hash (id);
create table by_expression (at timestamptz, note text)
  partition by range ((extract(epoch from at at time zone 'UTC') / 86400), note);
create table by_expression_1 partition of by_expression
  for values from (minvalue, minvalue) to (10, maxvalue);
insert into by_expression values ('1970-01-05 00:00+00', 'x'), ('1970-01-01 12:00+00', '');

create table people (id int primary key, name text default 'nobody', born date not null);
create table staff (boss int, salary numeric check (salary >= 0)) inherits (people);
create table customers (since date) inherits (people);
create table both_sides (extra text) inherits (staff, customers);
alter table people alter name set not null;
alter table staff alter name set default 'somebody';
insert into people select n, 'person ' || n, '2000-01-01' from generate_series(1, 20) n;
insert into staff select n, 'staff ' || n, '1990-01-01', 1, n from generate_series(1, 30) n;
insert into customers select n, 'customer ' || n, '1980-01-01' from generate_series(1, 40) n;
insert into both_sides (id, born, extra) values (1, '1970-01-01', 'x');
create index people_by_name on people (name);
create index staff_by_name on staff (name);
\if :at_least_15
create table readings_loose (a int, b int, unique nulls not distinct (a, b))
  partition by range (a);
create table readings_loose_1 partition of readings_loose for values from (0) to (9);
create table readings_loose_2 partition of readings_loose default;
insert into readings_loose values (1, null), (null, null), (null, 1);
\endif
