create table paid (id int primary key, n int, u int unique);
create table got (id int primary key, paid int references paid on delete cascade, n int);
create table keyless (n int);
create table part (id int, n int, primary key (id, n)) partition by range (n);
create table part_few partition of part for values from (minvalue) to (50);
create table part_many partition of part default;
insert into paid select i, i % 100, i from generate_series(1, 2000) i;
insert into got select i, i, i % 100 from generate_series(1, 2000) i;
insert into keyless select i % 100 from generate_series(1, 2000) i;
insert into part select i, i % 100 from generate_series(1, 2000) i;
create materialized view totals as select n, count(*) as rows from paid group by n;
create unique index totals_key on totals (n);
-- Changes after which all sums agree again.
create function play(round int) returns void language plpgsql as $$
declare
  start int := round * 300 + 10000;
begin
  delete from paid where id % 7 = round % 7;
  delete from part where id % 7 = round % 7;
  update paid set n = n + 1 + round, u = -u where id % 5 = 1;
  update got set n = n + 1 + round where id % 5 = 1;
  update part set n = n + 1 + round where id % 5 = 1;
  insert into paid select i, round, i from generate_series(start, start + 99) i;
  insert into got select i, i, round from generate_series(start, start + 99) i;
  insert into part select i, round from generate_series(start, start + 99) i;
  delete from keyless;
  insert into keyless select n from got;
end $$;
