delete from levada.rollup_bucket where bucket_end > now() - interval '30 days';
insert into levada.rollup_bucket select 'daily', (now() - interval '60 days')::date,
((now() - interval '60 days')::date)::timestamp at time zone 'Europe/London',
((now() - interval '59 days')::date)::timestamp at time zone 'Europe/London',
'closed', 7, '{}', false, 1, 1
