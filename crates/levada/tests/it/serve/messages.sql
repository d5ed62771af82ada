-- Eleven days of messages, 24 a day, up to this moment.
create table message (id int primary key, kind text, at timestamptz);
insert into message
select n, case when n % 3 = 0 then 'sms' else 'email' end, now() - n * interval '1 hour'
from generate_series(0, 11 * 24 - 1) n;
