create table visit (at date not null, id int not null, note text, primary key (at, id))
  partition by range (at);
create table visit_1 partition of visit for values from (minvalue) to ('2024-01-01');
create table visit_2 partition of visit for values from ('2024-01-01') to ('2025-01-01')
  partition by list (id);
create table visit_2_few partition of visit_2 for values in (1, 2, 3);
create table visit_2_rest partition of visit_2 default;
create table visit_3 partition of visit default;
create table detail (id int primary key, at date, visit int,
  foreign key (at, visit) references visit on update cascade on delete cascade);
create table part_detail (at date not null, visit int, foreign key (at, visit) references visit)
  partition by range (at);
create table part_detail_all partition of part_detail default;
insert into visit select date '2023-06-01' + n * 3, n % 9, 'visit ' || n
from generate_series(1, 400) n;
insert into detail select row_number() over (order by at, id), at, id from visit;
insert into part_detail select at, id from visit where id = 2;
-- edition
-- Rows move between partitions; those that refer to them follow.
update visit set at = at + 400 where id = 4;
update visit set at = '2024-05-05', id = 2, note = 'moved' where at = (select min(at) from visit);
update visit set at = '2023-05-05' where at = (select max(at) from visit where id <> 2);
-- edition
delete from visit where id = 5;
-- edition
truncate visit cascade;
insert into visit values ('2024-05-05', 2, 'one again'), ('2023-05-05', 2, 'and another');
