-- A day in the database engagement: one row in a hundred is changed, spread over the heap, in a
-- column without an index, one in two hundred is new, and :deletes in a thousand go. Which rows,
-- :seed decides. Each statement answers what it did and to how many rows.
with gone as (
  delete from engagement_event
  where (hashint8extended(id, :seed + 2000000) & 2147483647) % 1000 < :deletes
  returning 1
)
select 'deleted', count(*) from gone;
with changed as (
  update engagement_event
  set action = 'Modification ' || :seed
  where (hashint8extended(id, :seed) & 2147483647) % 1000 < 10
  returning 1
)
select 'updated', count(*) from changed;
with changed as (
  update young_person
  set last_seen_at = last_seen_at + interval '1 day'
  where (hashtextextended(id, :seed) & 2147483647) % 1000 < 10
  returning 1
)
select 'updated', count(*) from changed;
with fresh as (
  insert into engagement_event
    (happened_at, category, action, name, user_id, user_kind, network, code)
  select
    happened_at + interval '365 days', category, action, name, user_id, user_kind, network, code
  from engagement_event
  where (hashint8extended(id, :seed + 1000000) & 2147483647) % 1000 < 5
  returning 1
)
select 'inserted', count(*) from fresh;
