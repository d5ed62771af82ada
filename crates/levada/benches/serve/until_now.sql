-- The generator's events end with a year; a statistic of the last days wants some of yesterday.
alter table engagement_event
alter column happened_at type timestamptz
using happened_at + (now() - timestamptz '2026-01-01 00:00+00');
create index on young_person (adviser_id);
analyze
