-- A gibibyte of write-ahead log, so that the first copy finds files to write it into as all later
-- copies do.
create table warm_up as
select i, repeat(md5(i::text), 30) as filler from generate_series(1, 1000000) as i;
drop table warm_up;
checkpoint;
