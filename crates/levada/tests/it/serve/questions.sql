create table message (
    id int primary key, kind text, country text not null, bytes numeric, ok boolean,
    person int, at timestamptz, mark text);
insert into message
select n,
       case n % 5 when 0 then null when 1 then 'letter, by hand' when 2 then 'sms'
                  else 'email' end,
       case n % 3 when 0 then 'fr' else 'gb' end,
       case when n % 11 > 0 then n * 1.10 end,
       n % 7 > 0, n % 13,
       date_trunc('hour', now()) - n * interval '37 minutes',
       case n % 3 when 0 then '' when 1 then 'a' end
from generate_series(0, 3200) n
