create extension citext;
create collation nocase (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
create schema extra;
create extension hstore schema extra;
create type mood as enum ('sad', 'okay', 'happy');
create type pair as (a numeric, b text, m mood);
create domain positive as int check (value > 0);
create domain feeling as mood;
create domain numbers as int[];
create domain span as int4range;
create domain couple as pair;
create table by_citext (name citext primary key, v int);
create table by_nocase (name text collate nocase primary key, v int);
create table by_numeric (n numeric primary key, v int);
create table by_float (f float8 primary key, v int);
create table by_bpchar (c char(5) primary key, v int);
create table by_mood (m mood primary key, v int);
create table by_domain (p positive, f feeling, primary key (p, f), v int);
create table by_domains (n numbers, s span, c couple, primary key (n, s, c), v int);
create table by_array (a int[] primary key, v int);
create table by_pair (p pair primary key, v int);
create table by_time (t timestamptz primary key, i interval);
create table by_jsonb (j jsonb primary key, v int);
create table by_bytea (b bytea primary key, v int);
create table values_of_all_kinds (id int primary key, j json, jb jsonb, x xml, m mood, ms mood[],
  p pair, ps pair[], n numeric, f float8, r int4range, rs nummultirange, h extra.hstore,
  t timestamptz, b bytea, bits varbit, addr inet, search tsvector, pt point, money money);
insert into by_citext values ('Abc', 1), ('def', 2), ('GHI', 3), ('jkl', 4);
insert into by_nocase values ('Abc', 1), ('def', 2), ('GHI', 3), ('jkl', 4);
insert into by_numeric values (1.0, 1), (2, 2), (3.10, 3), ('NaN', 4), (5e10, 5);
insert into by_float values (0, 1), (1.5, 2), ('NaN', 3), ('Infinity', 4), (-1e300, 5);
insert into by_bpchar values ('a', 1), ('b', 2), ('c', 3);
insert into by_mood values ('sad', 1), ('okay', 2), ('happy', 3);
insert into by_domain values (1, 'sad', 1), (1, 'okay', 2), (2, 'sad', 3);
insert into by_domains values ('{1}', '[1,2)', row(1, 'a', 'sad')::pair, 1),
  ('{2}', '[1,2)', row(2.0, 'a', 'sad')::pair, 2), ('{2}', '[1,5)', row(2, 'b', 'sad')::pair, 3);
insert into by_array values ('{}', 1), ('{1,null}', 2), ('{{1,2},{3,4}}', 3);
insert into by_pair values ((1.0, 'a', 'sad'), 1), ((2, 'b', 'okay'), 2), ((3, null, null), 3);
insert into by_time values ('2024-01-01 00:00Z', '1 month'), ('infinity', '30 days'),
  ('-infinity', '720 hours');
insert into by_jsonb values ('{"a": 1}', 1), ('[1.0]', 2), ('null', 3);
insert into by_bytea values ('\x', 1), ('\x00', 2), ('\xff00', 3);
insert into values_of_all_kinds
select n, '{"a": 1, "a": 2}', '{"b": 1.0}', '<x/>', 'sad', '{sad,null}', row(n, 'x', 'okay')::pair,
  array[row(1, '', null)::pair], 1.0, 0, '[1,5)', '{[1,2),(3,4]}', 'a=>1', '2024-01-01', '\x01',
  '101', '10.0.0.1/8', 'a:1 b:2', '(1,2)', 1
from generate_series(1, 50) n;
-- edition
-- Values change into others that compare as equal.
update by_citext set name = 'aBC' where v = 1;
update by_citext set name = 'DEF' where v = 2;
update by_nocase set name = 'aBC' where v = 1;
update by_nocase set name = 'DEF' where v = 2;
update by_numeric set n = 1.00 where v = 1;
update by_numeric set n = 3.1 where v = 3;
update by_float set f = '-0' where v = 1;
update by_jsonb set j = '[1.00]' where v = 2;
update by_pair set p = (1.00, 'a', 'sad') where v = 1;
update by_time set i = '30 days' where t = '2024-01-01 00:00Z';
update values_of_all_kinds set n = 1.00 where id = 1;
update values_of_all_kinds set f = '-0' where id = 2;
update values_of_all_kinds set jb = '{"b": 1.00}' where id = 3;
update values_of_all_kinds set p = row(4.0, 'x', 'okay') where id = 4;
update values_of_all_kinds set j = '{"a": 1,  "a": 2}' where id = 5;
update values_of_all_kinds set x = '<x ></x>' where id = 6;
update values_of_all_kinds set ms = '{null,sad}', m = null, ps = '{}' where id = 7;
update values_of_all_kinds set n = null where id = 8;
-- edition
-- The same together with rows that go, so that keys are compared.
delete from by_citext where v = 4;
update by_citext set name = 'ghi' where v = 3;
delete from by_nocase where v = 4;
update by_nocase set name = 'ghi' where v = 3;
delete from by_numeric where v = 2;
update by_numeric set n = 1.000 where v = 1;
delete from by_float where v = 2;
update by_float set f = 0 where v = 1;
delete from by_bpchar where v = 2;
delete from by_mood where v = 2;
delete from by_domain where v = 2;
delete from by_array where v = 2;
delete from by_domains where v = 1;
update by_domains set c = row(2.00, 'a', 'sad')::pair where v = 2;
delete from by_pair where v = 2;
update by_pair set p = (1.000, 'a', 'sad') where v = 1;
delete from by_time where t = 'infinity';
delete from by_jsonb where v = 1;
update by_jsonb set j = '[1]' where v = 2;
delete from by_bytea where v = 2;
delete from values_of_all_kinds where id = 20;
-- edition
-- What was deleted comes back in another spelling.
delete from by_citext where v = 1;
insert into by_citext values ('ABC', 10), ('JKL', 4);
delete from by_nocase where v = 1;
insert into by_nocase values ('ABC', 10), ('JKL', 4);
delete from by_numeric where v = 1;
insert into by_numeric values (1, 10), (2.0, 2);
update by_mood set m = 'okay' where v = 1;
