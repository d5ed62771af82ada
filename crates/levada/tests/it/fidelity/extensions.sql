-- Extensions in and beside the usual schema, with types and indexes that need them.
create schema tools;
create extension citext;
create extension hstore schema tools;
create extension pg_trgm;
create extension btree_gist;
create extension ltree schema tools;
create extension "uuid-ossp";
create extension cube;
create extension earthdistance;
create extension pg_stat_statements;
create extension unaccent;
create table people (
  id uuid primary key default public.uuid_generate_v4(), email citext unique, name text,
  settings tools.hstore, path tools.ltree, place cube, several citext[], hs tools.hstore[]
);
insert into people
select md5(n::text)::uuid, 'User' || n || '@Example.org', 'name ' || n,
  tools.hstore(array['a"b', '', 'k'], array[n::text, null, 'x,"y=>z']),
  ('top.l' || n)::tools.ltree, cube(n, n + 1), array['A', 'b', null]::citext[],
  array[tools.hstore('a', null), null]
from generate_series(1, 500) n;
create index people_search on people using gin (name gin_trgm_ops, settings tools.gin_hstore_ops);
create index people_tree on people using gist (path tools.gist_ltree_ops (siglen = 100));
create index people_near on people using gist (ll_to_earth(place -> 1, place -> 2));
create table bookings (
  room int, during tstzrange, note citext collate "C",
  exclude using gist (room with =, during with &&)
);
insert into bookings select n % 10, tstzrange(at, at + interval '1 hour'), 'Booking ' || n
from (select n, timestamptz '2024-01-01' + n * interval '2 hours' as at
  from generate_series(1, 300) n) as times;
create view shouting as select upper(email::text) as email from people where email = 'USER1@X';
create materialized view similar_names as
select a.name from people a where a.name % 'name 1' and tools.akeys(a.settings) is not null;
create domain mail as citext check (value ~ '@');
create table mails (mail mail);
insert into mails select email from people;
