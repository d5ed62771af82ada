create extension btree_gist;
create table account (id int primary key, email text unique, nick text, code int);
create unique index on account (lower(nick));
create unique index on account (code) where code > 0;
create table stay (id int primary key, room int, during int4range,
  exclude using gist (room with =, during with &&));
create table without_primary (a int not null unique, b int unique, c text);
insert into account select n, 'mail ' || n, 'nick ' || n, n - 20 from generate_series(1, 200) n;
insert into stay select n, n % 7, int4range(n * 10, n * 10 + 10) from generate_series(1, 100) n;
insert into without_primary select n, -n, 'c' || n from generate_series(1, 50) n;
-- edition
-- Two rows exchange their values, three pass them on in a ring.
begin;
update account set email = 'x' where id = 1;
update account set email = 'mail 1' where id = 2;
update account set email = 'mail 2' where id = 1;
commit;
begin;
update account set nick = 'x' where id = 10;
update account set nick = 'NICK 10' where id = 11;
update account set nick = 'NICK 11' where id = 12;
update account set nick = 'NICK 12' where id = 10;
commit;
begin;
update account set code = -1000 where id = 50;
update account set code = 30 where id = 51;
update account set code = 31 where id = 50;
commit;
begin;
update stay set during = '[100000,100010)' where id = 7;
update stay set during = '[70,80)' where id = 14;
update stay set during = '[140,150)' where id = 7;
commit;
-- edition
-- What a deleted row had is taken over by another one, new or old, also through a second owner.
begin;
delete from account where id in (5, 6, 7);
insert into account values (1005, 'mail 5', 'nick 5', -5);
update account set email = 'mail 6', nick = 'nick 7' where id = 8;
update account set email = 'mail 8' where id = 9;
commit;
delete from stay where id = 3;
insert into stay values (1003, 3, '[30,40)');
delete from without_primary where a = 9;
update without_primary set b = -9 where a = 10;
update without_primary set b = -10 where a = 11;
-- edition
-- The key itself is exchanged together with the unique value.
begin;
update account set id = -1 where id = 1;
update account set id = 1 where id = 2;
update account set id = 2 where id = -1;
commit;
begin;
update without_primary set a = -1 where a = 1;
update without_primary set a = 1 where a = 2;
update without_primary set a = 2 where a = -1;
commit;
