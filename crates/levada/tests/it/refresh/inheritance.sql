create table people (id int primary key, name text);
create table staff (salary int, primary key (id)) inherits (people);
create table guests (until date) inherits (people);
insert into people select n, 'person ' || n from generate_series(1, 30) n;
insert into staff select n, 'staff ' || n, n * 100 from generate_series(1, 30) n;
insert into guests select n % 10, 'guest ' || n, date '2024-01-01' + n
from generate_series(1, 30) n;
-- edition
update people set name = name || '!' where id % 5 = 0;
delete from only people where id = 1;
delete from staff where id = 2;
delete from guests where id = 3;
insert into guests values (1, 'the same again', null), (1, 'the same again', null);
-- edition
delete from people;
insert into staff values (1, 'alone', 1);
