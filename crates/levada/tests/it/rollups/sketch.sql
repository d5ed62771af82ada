create table public.event (id int primary key, at timestamptz, kind text, amount int);
insert into event select n, timestamptz '2026-11-02 12:00Z' + n % 6 * interval '1 day',
'many', (n * 7919::bigint % 100000)::int from generate_series(1, 200000) n;
insert into event select 300000 + n, timestamptz '2026-11-02 12:00Z'
+ n % 6 * interval '1 day', 'few', n % 37 from generate_series(1, 900) n
