create table public.event (id int primary key, at timestamptz, kind text, amount int);
insert into event select n, timestamptz '2026-03-28 00:00Z' + n * interval '15 minutes',
'a', 1 from generate_series(0, 400) n;
insert into event select 1000 + n, timestamptz '2025-10-25 00:00Z'
+ n * interval '15 minutes', 'a', 1 from generate_series(0, 300) n
