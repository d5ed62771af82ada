select count(*) from (
  select user_id, user_kind, max(happened_at), count(*)
  from engagement_event
  group by 1, 2
) as users
