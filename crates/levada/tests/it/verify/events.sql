create table event (id bigint primary key, at timestamptz, kind text, note text);
insert into event
select n, timestamptz '2024-01-01' + n * interval '1 second', 'kind ' || n % 7, repeat('x', n % 90)
from generate_series(1, 200000) n;
analyze;
