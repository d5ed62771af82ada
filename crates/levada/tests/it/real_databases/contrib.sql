-- Every module of PostgreSQL's own that a copy brings along, as far as this server has it, each
-- with a table that needs it.
create schema modules;
select format('create extension %I schema modules cascade', name)
from pg_available_extensions
where name in ('bloom', 'btree_gin', 'btree_gist', 'citext', 'cube', 'dict_int',
  'dict_xsyn', 'earthdistance', 'fuzzystrmatch', 'hstore', 'intagg',
  'intarray', 'isn', 'lo', 'ltree', 'pg_trgm', 'pgcrypto', 'seg',
  'tablefunc', 'tcn', 'tsm_system_rows', 'tsm_system_time', 'unaccent', 'uuid-ossp', 'xml2')
order by name <> 'cube', name
\gexec
set search_path = public, modules;
create table module (name text, definition text);
insert into module values
  ('bloom', 'create table of_bloom (a int, b int);
    insert into of_bloom select n, n % 9 from generate_series(1, 500) n;
    create index on of_bloom using bloom (a, b) with (length = 80, col1 = 2)'),
  ('btree_gin', 'create table of_btree_gin (a int, t text[]);
    insert into of_btree_gin select n, array[n::text] from generate_series(1, 500) n;
    create index on of_btree_gin using gin (a, t)'),
  ('btree_gist', 'create table of_btree_gist (a int, d date,
      exclude using gist (a with =, d with =));
    insert into of_btree_gist select n, ''2024-01-01'' from generate_series(1, 500) n'),
  ('citext', 'create table of_citext (c citext primary key, a citext[]);
    insert into of_citext values (''Case'', ''{A,b}'')'),
  ('cube', 'create table of_cube (c cube, check (cube_dim(c) < 5));
    insert into of_cube values (''(1,2),(3,4)''), (''(0.1)'');
    create index on of_cube using gist (c)'),
  ('dict_int', 'create text search configuration of_ints (copy = simple);
    alter text search configuration of_ints alter mapping for int with intdict;
    create table of_dict_int (t text);
    create index on of_dict_int using gin (to_tsvector(''public.of_ints'', t))'),
  ('fuzzystrmatch', 'create table of_fuzzystrmatch (t text,
      s text generated always as (soundex(t)) stored);
    insert into of_fuzzystrmatch values (''Robert'');
    create index on of_fuzzystrmatch (metaphone(t, 8))'),
  ('hstore', 'create table of_hstore (h hstore default ''a=>1'', a hstore[]);
    insert into of_hstore values (default, ''{"a=>NULL"}'');
    create index on of_hstore using gin (h); create index on of_hstore using hash (h)'),
  ('intarray', 'create table of_intarray (a int[]);
    insert into of_intarray select array[n, n % 5] from generate_series(1, 500) n;
    create index on of_intarray using gist (a gist__int_ops (numranges = 50));
    create index on of_intarray using gin (a gin__int_ops)'),
  ('isn', 'create table of_isn (b isbn, e ean13, i issn primary key);
    insert into of_isn values (''978-0-393-04002-9'', ''2205000896563'', ''1436-4522'')'),
  ('lo', 'create table of_lo (l lo);
    insert into of_lo values (lo_from_bytea(0, ''large'')), (null)'),
  ('ltree', 'create table of_ltree (l ltree unique, q lquery, t ltxtquery);
    insert into of_ltree values (''a.b.c'', ''a.*{1}.!c|d'', ''a & !b'');
    create index on of_ltree using gist (l)'),
  ('pg_trgm', 'create table of_pg_trgm (t text);
    insert into of_pg_trgm select md5(n::text) from generate_series(1, 500) n;
    create index on of_pg_trgm using gin (t gin_trgm_ops);
    create index on of_pg_trgm using gist (t gist_trgm_ops (siglen = 32))'),
  ('pgcrypto', 'create table of_pgcrypto (t text,
      d bytea generated always as (digest(t, ''sha256''::text)) stored);
    insert into of_pgcrypto values (''secret'')'),
  ('seg', 'create table of_seg (s seg); insert into of_seg values (''1.50 .. ~2.5''), (''<3'');
    create index on of_seg using gist (s)'),
  ('tablefunc', 'create table of_tablefunc (r tablefunc_crosstab_2);
    insert into of_tablefunc values (row(''a'', ''b'', null));
    create view of_tablefunc_view as select * from normal_rand(3, 0, 1) as n'),
  ('tsm_system_rows', 'create view of_sample as select * from module
    tablesample system_rows (5)'),
  ('unaccent', 'create text search configuration of_plain (copy = simple);
    alter text search configuration of_plain alter mapping for word with unaccent, simple;
    create view of_unaccent as select unaccent(''é'') as e'),
  ('uuid-ossp', 'create table of_uuid (u uuid default uuid_generate_v4() primary key);
    insert into of_uuid select from generate_series(1, 50)'),
  ('xml2', 'create view of_xml2 as select xml_valid(''<a/>'') as valid');
select definition from module join pg_extension on extname = name order by name \gexec
