-- Indexes, constraints and statistics of every shape.
select current_setting('server_version_num')::int >= 150000 as at_least_15,
  current_setting('server_version_num')::int >= 180000 as at_least_18 \gset
create function shout(text) returns text language sql immutable parallel safe
  as $$ select pg_catalog.upper($1) || '!' $$;
create function whisper(text) returns text language plpgsql immutable
  as $$ begin return pg_catalog.lower($1) || '; ...'; end $$;
create collation german (provider = libc, locale = 'C');
create table parents (
  id int primary key, code text, region text, n numeric,
  constraint codes unique (region, code) include (n) with (fillfactor = 60)
);
create table items (
  id bigserial,
  parent int not null constraint items_parent references parents on delete set null,
  name text not null, note text, price numeric, tags int[], at timestamptz, span int4range,
  place point, doc jsonb, vector tsvector, "Weird Column" int,
  constraint items_pk primary key (id) with (fillfactor = 90),
  constraint named_once unique (name, at) deferrable initially deferred,
  constraint noted_once unique (note) deferrable,
  constraint no_overlap exclude using gist (span with &&) where (price > 0) deferrable,
  constraint priced check (price is null or price >= 0) no inherit
);
insert into parents select n, 'c' || n, 'r' || n % 4, n from generate_series(1, 100) n;
insert into items (parent, name, note, price, tags, at, span, place, doc, vector, "Weird Column")
select 1 + n % 100, 'Name ' || n % 500, 'note ' || n, n % 50, array[n, n + 1],
  timestamptz '2024-01-01' + n * interval '1 minute', int4range(n * 2, n * 2 + 1), point(n, -n),
  jsonb_build_object('k', n % 9), to_tsvector('simple', 'word' || n), n
from generate_series(1, 2000) n;
create index on items (parent);
create index items_expression on items (shout(name), (price * 2) desc nulls last, whisper(note));
create index items_partial on items (at) where price > 10 and name <> 'it''s';
create unique index items_include on items (id, parent) include (name, price);
create index items_order on items (name collate "C" desc nulls last, price asc nulls first);
create index items_german on items (name collate german text_pattern_ops);
create index items_opclass on items (name varchar_pattern_ops, note text_pattern_ops);
create index items_hash on items using hash (name);
create index items_gin on items using gin (tags);
create index items_gin_slow on items using gin (doc jsonb_path_ops) with (fastupdate = off);
create index items_gist on items using gist (span, place);
create index items_spgist on items using spgist (place);
create index items_brin on items using brin (at) with (pages_per_range = 16, autosummarize = on);
create index items_search on items using gin (vector);
create index items_tuned on items (at) with (fillfactor = 55, deduplicate_items = off);
create unique index items_identity on items (name, id);
alter index items_expression alter column 1 set statistics 700;
alter table items replica identity using index items_identity;
alter table items cluster on items_order;
alter table parents cluster on codes;
alter table parents replica identity full;
create table keyed (a int, b int not null, primary key (b, a));
alter table keyed replica identity using index keyed_pkey;
alter table keyed cluster on keyed_pkey;
create table silent (a int unique);
alter table silent replica identity nothing;
insert into keyed select n, n from generate_series(1, 10) n;
insert into silent values (1), (null), (null);
create statistics items_kinds (dependencies, mcv) on parent, price from items;
create statistics items_distinct (ndistinct) on name, note from items;
create statistics "Items Expressions" on (price * 2), (lower(name)) from items;
alter statistics items_kinds set statistics 300;

-- Constraints that rows from before may break, in production as in the copy.
insert into items (parent, name, price) values (5, 'below zero', 3), (6, 'a', 3);
alter table items add constraint not_below check (name <> 'below zero') not valid;
create table tree (
  id int primary key, parent int references tree deferrable, "order" int,
  unique (id, "order"),
  foreign key (id, "order") references tree (id, "order") match full on update cascade
);
insert into tree select n, nullif(n / 2, 0), n from generate_series(1, 100) n;
create table loose (id int, tree int, twig int references tree);
insert into loose values (1, 1000, 1);
alter table loose add constraint loose_tree foreign key (tree) references tree not valid;
create table a_side (id int primary key, other int);
create table b_side (id int primary key, other int references a_side);
alter table a_side add foreign key (other) references b_side;
insert into a_side values (1, null);
insert into b_side values (1, 1);
update a_side set other = 1;
\if :at_least_15
create table alike (a int, b int, constraint alike_once unique nulls not distinct (a, b));
insert into alike values (1, null), (null, null);
create unique index alike_index on alike (b, a) nulls not distinct where a > 0;
create table partly (id int primary key, x int, y int,
  foreign key (x) references partly on delete set null (x));
\endif
\if :at_least_18
create table virtually (a int, b int generated always as (a * 2) virtual,
  c int constraint c_is_here not null no inherit);
insert into virtually (a, c) values (1, 1), (2, 2);
create table over_time (id int4range, valid daterange,
  primary key (id, valid without overlaps));
create table within_time (id int4range, valid daterange,
  foreign key (id, period valid) references over_time (id, period valid));
insert into over_time values ('[1,2)', '[2024-01-01,2025-01-01)');
insert into within_time values ('[1,2)', '[2024-02-01,2024-03-01)');
create table unenforced (id int primary key, p int references parents not enforced,
  constraint soft check (id > 5) not enforced);
insert into unenforced values (1, -1);
create table nearly (a int);
insert into nearly values (null);
alter table nearly add constraint a_is_here not null a not valid;
\endif
