update engagement_event
set happened_at = timestamptz '2026-01-01 00:00+00'
                  - (timestamptz '2026-01-01 00:00+00' - happened_at) * @years@;
vacuum (full, analyze) engagement_event
