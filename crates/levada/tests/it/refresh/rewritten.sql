create table plain (id int primary key, v text);
create table other (id int primary key, v text);
create unlogged table scratch (id int primary key, v text);
create table documents (id int primary key, title text, body text, raw bytea, n int);
alter table documents alter raw set storage external;
insert into plain select n, 'v' || n from generate_series(1, 2000) n;
insert into other select n, 'v' || n from generate_series(1, 2000) n;
insert into scratch select n, 'v' || n from generate_series(1, 2000) n;
insert into documents
select n, 'title ' || n, (select string_agg(md5((n * i)::text), '') from generate_series(1, 300) i),
  decode(repeat(md5(n::text), 1000), 'hex'), 0
from generate_series(1, 30) n;
-- edition
-- Wide values stay while others change, and change while others stay.
update documents set n = 1 where id < 5;
update documents set body = body || 'x' where id = 6;
update documents set raw = set_byte(raw, 15000, 0) where id = 7;
update documents set body = null where id = 8;
truncate other;
delete from scratch where id < 10;
-- edition
insert into other select n, 'again ' || n from generate_series(1, 500) n;
truncate plain, scratch;
insert into plain select n, 'v' || n from generate_series(1, 2000) n;
