create table item (id int generated always as identity primary key, v text);
create table untouched (id int primary key, v int);
create sequence free increment 7;
create sequence unused;
create sequence downwards increment -3;
create sequence "Circle 'x'" maxvalue 5 cycle;
insert into item (v) select 'v' || n % 5 from generate_series(1, 100) n;
insert into untouched select n, n from generate_series(1, 10) n;
select nextval('free'), nextval('downwards'), nextval('"Circle ''x''"');
create materialized view keyed as select v, count(*) as items from item group by v;
create unique index on keyed (v);
create materialized view keyless as select count(*) as items from item;
create materialized view above as select sum(items) as items from keyless;
create materialized view waiting as select 1 as one with no data;
create function refresh_all() returns void language plpgsql as $$
begin
  refresh materialized view keyed;
  refresh materialized view keyless;
  refresh materialized view above;
end $$;
select lo_from_bytea(900, repeat('long ', 1000)::bytea), lo_from_bytea(901, 'goes');
