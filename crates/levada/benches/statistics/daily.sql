select count(*) from (
  select (happened_at at time zone 'Europe/Paris')::date, network, category, count(*)
  from engagement_event
  group by 1, 2, 3
) as daily
