-- What the last three complete days hold.
SELECT sum(n)
FROM reports.daily
WHERE bucket_end <= (SELECT closed_through FROM levada.rollup WHERE name = 'daily')
  AND bucket_start >= (
      SELECT bucket_start
      FROM levada.rollup_bucket
      WHERE rollup = 'daily' AND state <> 'open'
      ORDER BY bucket_start DESC
      OFFSET 2
      LIMIT 1)
