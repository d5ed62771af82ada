create table public.event (id int primary key, at timestamptz, kind text, amount int);
insert into public.event
select n, now() - n * interval '5 hours', (array['a', 'b', null])[1 + n % 3], n
from generate_series(1, 200) as n
