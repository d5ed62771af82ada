create table public.event (id int primary key, at timestamptz, kind text, amount int);
create table public.naive (id int primary key, at timestamp, d date, n text);
create view public.shown as select * from event;
insert into event values (1, now(), 'a', 1);
insert into naive values (1, now(), now())
