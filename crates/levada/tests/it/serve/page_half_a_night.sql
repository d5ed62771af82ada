WITH yesterday AS (
    UPDATE levada.rollup_bucket SET state = 'failed'
    WHERE rollup = 'other_day'
      AND bucket::date = (now() AT TIME ZONE 'Europe/London')::date - 1
    RETURNING bucket_start
)
UPDATE levada.rollup SET closed_through = bucket_start FROM yesterday WHERE name = 'other_day';
