-- A day in the database learning: in each of the tables that grow, one row in a hundred is changed,
-- spread over the heap, in a column without an index, one in two hundred is new, and :deletes in a
-- thousand go. Which rows, :seed decides. Each statement answers what it did and to how many rows.
begin;
-- Production has no index on "answerId", and would read the whole table for each answer that goes.
set local session_replication_role = replica;
create temporary table doomed on commit drop as
select id from answers where (hashint8extended(id, :seed + 2000000) & 2147483647) % 1000 < :deletes;
with gone as (
  delete from "knowledge-elements" where "answerId" in (select id from doomed) returning 1
)
select 'deleted', count(*) from gone;
with gone as (delete from answers where id in (select id from doomed) returning 1)
select 'deleted', count(*) from gone;
commit;

with changed as (
  update answers set "timeSpent" = "timeSpent" + 1
  where (hashint8extended(id, :seed) & 2147483647) % 1000 < 10
  returning 1
)
select 'updated', count(*) from changed;
with changed as (
  update "knowledge-elements"
  set status = case status when 'validated' then 'invalidated' else 'validated' end
  where (hashint8extended(id, :seed) & 2147483647) % 1000 < 10
  returning 1
)
select 'updated', count(*) from changed;
with changed as (
  update assessments set "updatedAt" = "updatedAt" + interval '1 day'
  where (hashint8extended(id, :seed) & 2147483647) % 1000 < 10
  returning 1
)
select 'updated', count(*) from changed;
with changed as (
  update "knowledge-element-snapshots" set snapshot = snapshot || '[{"skillId": "new"}]'
  where (hashint8extended(id, :seed) & 2147483647) % 1000 < 10
  returning 1
)
select 'updated', count(*) from changed;

with fresh as (
  insert into answers (value, result, "challengeId", "assessmentId", "createdAt", "timeSpent")
  select value, result, "challengeId", "assessmentId", "createdAt" + interval '1 year', "timeSpent"
  from answers
  where (hashint8extended(id, :seed + 1000000) & 2147483647) % 1000 < 5
  returning 1
)
select 'inserted', count(*) from fresh;
with fresh as (
  insert into "knowledge-elements" (
    source, status, "createdAt", "answerId", "assessmentId", "skillId", "earnedPix", "userId",
    "competenceId"
  )
  select
    source, status, "createdAt" + interval '1 year', "answerId", "assessmentId", "skillId",
    "earnedPix", "userId", "competenceId"
  from "knowledge-elements"
  where (hashint8extended(id, :seed + 1000000) & 2147483647) % 1000 < 5
  returning 1
)
select 'inserted', count(*) from fresh;
-- The moment is unique for each person.
with fresh as (
  insert into "knowledge-element-snapshots" ("userId", "snappedAt", snapshot)
  select
    "userId", timestamptz '2027-01-01 00:00+00' + :seed * interval '1 day'
      + id * interval '1 microsecond', snapshot
  from "knowledge-element-snapshots"
  where (hashint8extended(id, :seed + 1000000) & 2147483647) % 1000 < 5
  returning 1
)
select 'inserted', count(*) from fresh;
