select (happened_at at time zone 'Europe/Paris')::date as bucket, network, count(*) as events
from engagement_event
where happened_at >= now() - $1::text::int * interval '1 day'
group by 1, 2
order by 1
