create schema logs;
create table users (id int generated always as identity primary key, name text);
create table orders (id serial primary key, "user" int references users, total numeric);
create table order_lines (id int primary key, "order" int constraint lines_of references orders);
create table logs.requests (id bigserial primary key, "user" int references public.users);
create table logs.errors (id int, request bigint references logs.requests);
insert into users (name) select 'user ' || n from generate_series(1, 20) n;
insert into orders ("user", total) select 1 + n % 20, n from generate_series(1, 100) n;
insert into order_lines select n, 1 + n % 100 from generate_series(1, 300) n;
insert into logs.requests ("user") select 1 + n % 20 from generate_series(1, 50) n;
insert into logs.errors select n, n from generate_series(1, 10) n;
create view order_totals as select "user", sum(total) as total from orders group by "user";
create view best as select max(total) as total from order_totals;
create materialized view request_counts as
  select "user", count(*) as requests from logs.requests group by "user";
create view user_names as select name from users;
create table measurements (at date, value int) partition by range (at);
create table measurements_2023 partition of measurements
  for values from ('2023-01-01') to ('2024-01-01');
create table measurements_2024 partition of measurements
  for values from ('2024-01-01') to ('2025-01-01');
insert into measurements select date '2023-06-01' + n, n from generate_series(1, 400) n;
create table things (id int);
create table special_things (extra int) inherits (things);
insert into things values (1);
insert into special_things values (2, 3);
