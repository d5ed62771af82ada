create table a (id int primary key, x text) partition by range (id);
create table a_1 partition of a for values from (0) to (50);
create table a_2 partition of a for values from (50) to (100);
insert into a select n, 'x' from generate_series(1, 99) n;
