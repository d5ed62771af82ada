-- Views on views, in orders that only the whole tells; functions of all styles.
create table shops (id int primary key, name text, town text, opened date);
create table sales (shop int references shops, at date, amount numeric);
insert into shops select n, 'shop ' || n, 'town ' || n % 5, date '2020-01-01' + n
from generate_series(1, 50) n;
insert into sales select 1 + n % 50, date '2024-01-01' + n % 90, n from generate_series(1, 3000) n;

create view z_first as select * from shops where town <> 'town 0' with local check option;
create view a_second with (security_barrier) as select id, name from z_first;
create materialized view plain as select town, count(*) as shops from shops group by town;
create unique index plain_once on plain (town);
create index plain_by_count on plain (shops desc) where shops > 1;
create materialized view unpopulated as select 1 as one with no data;
create index unpopulated_one on unpopulated (one);
-- Its name sorts before what it reads, through a plain view.
create view middle as select town, shops * 2 as twice from plain;
create materialized view above as select sum(twice) as total from middle;
create materialized view "Above Above" as select total, (select count(*) from middle) from above;
create unique index on above (total);
alter materialized view above cluster on above_total_idx;
comment on materialized view above is 'sums';
comment on column above.total is 'of all';

-- Only the primary key lets these name columns that they do not group by.
create view by_key as select s.id, s.name, s.town, sum(x.amount) as amount
from shops s join sales x on x.shop = s.id group by s.id;
create materialized view late as select s.id, s.name, s.town, count(*) as sales
from shops s join sales x on x.shop = s.id group by s.id;
create unique index late_once on late (id);
create index late_expression on late (lower(name)) where sales > 1;
create statistics late_statistics on name, town from late;
comment on index late_once is 'late as well';
comment on materialized view late is 'needs a key';
-- Read what is only whole when the keys are there.
create materialized view of_by_key as select town, sum(amount) as amount from by_key group by town;
create unique index of_by_key_once on of_by_key (town);
create view of_late as select town, sum(sales) as sales from late group by town;
create materialized view of_of_late as select max(sales) as most from of_late;
create materialized view early_name as select * from of_by_key natural join of_late;
create materialized view late_unpopulated as select s.id, s.name from shops s group by s.id
  with no data;

-- A view that reads itself, through another one.
create view circle_a as select id, name from shops;
create view circle_b as select id, name from circle_a;
create or replace view circle_a as
  select id, name from shops where id not in (select id from circle_b where false);
create or replace view circle_a as select id, name from shops where id > 5;
create recursive view counting (n) as values (1) union all select n + 1 from counting where n < 5;
create view with_defaults as select id, name from shops;
alter view with_defaults alter name set default 'unnamed';
create view nothing as select;
create view "columns ""renamed""" (a, "b c") as select 1, '2'::text;

create function total(shop_id int) returns numeric language sql stable
  begin atomic
    select sum(amount) from sales where shop = shop_id;
  end;
create function judge(n numeric) returns text language sql immutable
  begin atomic
    select case when n > 10 then 'much' else case when n > 5 then 'some' end end;
    select case when n > 10 then 'very; much' else 'little' end as "end";
  end;
create function plain_return(a int, b int default 5) returns int language sql return a + b;
create function text_body(inout a int, out b text, variadic c text[]) language plpgsql
  as $function$ begin b := 'it''s; $$'; end; $function$
  security definer set search_path = public, pg_temp set work_mem = '8MB' cost 5;
create function rows_of() returns setof shops language sql rows 20 as 'select * from public.shops';
create function table_of() returns table (a int, "B" text) language sql as $$ select 1, 'x' $$;
create procedure act(inout n int) language plpgsql as $$ begin commit; n := 1; end $$;
create function of_view(v by_key) returns numeric language sql return (v).amount;
create aggregate product(numeric) (sfunc = numeric_mul, stype = numeric, initcond = '1');
create function later_table() returns int language plpgsql as $$ begin
  return (select count(*) from does_not_exist); end $$;
create operator === (leftarg = int, rightarg = int, function = int4eq, commutator = ===);
create view uses_functions as
  select id, total(id), judge(id), plain_return(id) as p, id === 5 as five from shops;
create materialized view uses_more as select product(id) as p, max(total(id)) as t
from shops where id < 10;
create index judged on shops (judge(id));
create text search configuration plain_english (copy = simple);
create text search dictionary short (template = simple, stopwords = english);
alter text search configuration plain_english alter mapping for word with short;
create index shops_search on shops using gin (to_tsvector('plain_english', name));
create view needs_function_result as select (row_value).name from
  (select rows_of() as row_value) as called;
