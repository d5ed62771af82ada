create table words (word text, n int);
create table empty (id int primary key, v text);
create table empty_keyless (v text);
create table no_columns ();
create table no_columns_left (a int);
alter table no_columns_left drop column a;
create table no_columns_no_rows ();
create table no_columns_child () inherits (no_columns);
create table only_generated (a int generated always as (7) stored);
create table nullable_key (a int unique, b text);
create table wide_rows (a text, b json, c xml, d point);
insert into words select 'word ' || n % 10, n % 3 from generate_series(1, 300) n;
insert into no_columns select from generate_series(1, 100);
insert into no_columns_left select from generate_series(1, 17);
insert into no_columns_child select from generate_series(1, 5);
insert into only_generated select from generate_series(1, 21);
insert into nullable_key select nullif(n, n % 5), 'b' || n from generate_series(1, 30) n;
insert into nullable_key select null, 'b' from generate_series(1, 5);
insert into wide_rows select repeat(md5(n::text), 200), json_build_object('a', n), '<a/>',
  point(n, -n) from generate_series(1, 20) n;
-- edition
-- One of many equal rows goes; one more comes; one becomes another.
delete from words where ctid = (select min(ctid) from words where word = 'word 3');
insert into words values ('word 4', 1), ('word 4', 1), (null, null);
update words set word = 'word 5' where ctid = (select max(ctid) from words where word = 'word 6');
insert into empty values (1, 'first');
insert into empty_keyless values (null), (''), (null);
insert into no_columns select from generate_series(1, 3);
delete from no_columns_left where ctid = (select min(ctid) from no_columns_left);
insert into no_columns_no_rows default values;
delete from no_columns_child;
insert into only_generated default values;
delete from nullable_key where a is null and ctid = (select min(ctid) from nullable_key);
update nullable_key set b = 'changed' where a = 7 or b = 'b';
update wide_rows set b = '{"a":  1}' where d[0] = 1;
delete from wide_rows where d[0] = 2;
-- edition
-- As many come as go.
delete from words where word = 'word 1';
insert into words select 'word 2', n % 3 from generate_series(1, 30) n;
delete from empty;
delete from empty_keyless;
delete from no_columns where ctid in (select ctid from only no_columns limit 10);
insert into no_columns select from generate_series(1, 10);
-- edition
truncate words, no_columns, only_generated, nullable_key;
insert into words values ('alone', 1);
