create table node (id int primary key, parent int references node on delete cascade,
  friend int references node on delete set null, label text unique);
create table company (id int primary key, boss int not null);
create table person (id int primary key, name text unique,
  company int not null references company on update cascade on delete cascade
  deferrable initially deferred);
alter table company add constraint company_boss foreign key (boss) references person
  on update cascade on delete restrict deferrable initially deferred;
comment on constraint company_boss on company is 'who decides';
create table badge (id int primary key, person int references person on update cascade
  on delete set null);
create table grade (name text primary key);
create table mark (id serial primary key, grade text default 'none'
  references grade on delete set default on update cascade);
insert into node select n, nullif(n / 2, 0), n % 50 + 1, 'label ' || n
from generate_series(1, 300) n;
begin;
insert into company select n, n * 10 from generate_series(1, 20) n;
insert into person select n, 'person ' || n, 1 + n / 11 from generate_series(1, 219) n;
commit;
insert into badge select n, n from generate_series(1, 219) n;
insert into grade values ('none'), ('good'), ('bad');
insert into mark (grade) select (array['good', 'bad'])[1 + n % 2] from generate_series(1, 40) n;
-- edition
-- Parents are deleted with all below them, others set to null; some come back.
delete from node where id in (40, 75);
insert into node values (40, 1, 75 + 1, 'label 40'), (80, 40, 1, 'label 80');
update node set parent = 200 where id = 3;
update node set parent = null where id = 200;
-- edition
-- Parents whose rows must be written anew, because of other unique values, while their children
-- stay as they are.
begin;
update node set label = 'x' where id = 2;
update node set label = 'label 2' where id = 3;
update node set label = 'label 3' where id = 2;
commit;
begin;
update person set name = 'x' where id = 100;
update person set name = 'person 100' where id = 101;
update person set name = 'person 101' where id = 100;
commit;
-- edition
-- Keys change and the change cascades; a whole circle is new; another one goes.
update company set id = 1000 + id where id = 4;
update person set id = 1000 + id where id = 60;
begin;
insert into company values (500, 5000);
insert into person values (5000, 'new boss', 500);
commit;
begin;
update company set boss = 5000 where id = 7;
delete from badge where person in (select id from person where company = 7);
delete from person where company = 7;
delete from company where id = 7;
commit;
update grade set name = 'better' where name = 'good';
delete from grade where name = 'bad';
-- edition
-- A deleted parent is inserted again while its children wait for it.
begin;
alter table person disable trigger all;
delete from person where id = 150;
insert into person values (150, 'person 150 again', 3);
alter table person enable trigger all;
commit;
truncate mark;
-- edition
truncate node;
delete from badge;
