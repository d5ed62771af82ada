create type mood as enum ('sad', 'okay', 'happy');
create table account (id int primary key, owner int unique, nick text unique, v text, m mood);
create table item (id int primary key, account int references account
  on update cascade on delete cascade deferrable, parent int references item on delete set null,
  v text);
create table event (at int not null, id int not null, v text, account int references account
  on delete set null on update cascade, primary key (at, id)) partition by range (at);
create table event_old partition of event for values from (minvalue) to (50);
create table event_new partition of event for values from (50) to (100);
create table event_rest partition of event default;
create table log (word text, n int);
create table code (code text primary key, rank int unique deferrable initially deferred, n numeric);
create table numbered (id int generated always as identity primary key, n int,
  twice int generated always as (n * 2) stored);
create table spot (id int primary key, room int, during int4range,
  exclude using gist (during with &&));
create unlogged table scratch (id bigint primary key, v text);
insert into account select n, n, 'nick ' || n, 'v', 'okay' from generate_series(1, 60) n;
insert into item select n, 1 + n % 60, nullif(n / 3, 0), 'v' from generate_series(1, 120) n;
insert into event select n % 120, n, 'v', 1 + n % 60 from generate_series(1, 200) n;
insert into log select 'word ' || n % 9, n % 4 from generate_series(1, 150) n;
insert into code select 'code ' || n, n, n from generate_series(1, 60) n;
insert into numbered (n) select n from generate_series(1, 60) n;
insert into spot select n, n % 5, int4range(n * 10, n * 10 + 10) from generate_series(1, 60) n;
insert into scratch select n, 'v' from generate_series(1, 60) n;
-- A step in a subtransaction of its own, which an error takes back.
create function attempt(step text) returns void language plpgsql as $$
begin
  execute step;
exception
  when others then null;
end $$;
