alter table engagement_event
alter column happened_at type timestamptz
using timestamptz '2026-01-01 00:00+00'
      - (timestamptz '2026-01-01 00:00+00' - happened_at) * @years@;
analyze engagement_event
