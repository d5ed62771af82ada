SELECT (at AT TIME ZONE 'Europe/London')::date @by@, @columns@
FROM message
WHERE @condition@
  AND (at AT TIME ZONE 'Europe/London')::date >= (
      SELECT max(bucket::date) - 4
      FROM levada.rollup_bucket
      WHERE rollup = 'daily' AND state IN ('closed', 'provisional'))
  AND (at AT TIME ZONE 'Europe/London')::date < (
      SELECT (closed_through AT TIME ZONE 'Europe/London')::date
      FROM levada.rollup
      WHERE name = 'daily')
GROUP BY (at AT TIME ZONE 'Europe/London')::date @by@
ORDER BY (at AT TIME ZONE 'Europe/London')::date @by@
