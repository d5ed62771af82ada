-- A heap of some 10 MB with holes, updated and empty pages, and one that is small.
create table wide (id int, filler text, more text) with (autovacuum_enabled = off);
insert into wide select n, repeat(md5(n::text), 10), null from generate_series(1, 30000) n;
delete from wide where id between 5000 and 12000 or id % 7 = 0;
update wide set more = 'updated' where id % 11 = 0;
vacuum wide;
insert into wide select n, 'late', null from generate_series(30001, 30100) n;
create table narrow as select n as id from generate_series(1, 10) n;
create index wide_by_id on wide (id);
create table no_columns ();
insert into no_columns select from generate_series(1, 60000);
