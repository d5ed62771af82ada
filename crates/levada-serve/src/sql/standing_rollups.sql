SELECT name, schema_name, definition_hash, calendar, zone, grain, version, closed_bucket,
       to_char(closed_through AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
           AS closed_through,
       to_char(computed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS computed_at
FROM levada.rollup
WHERE edition = $1
ORDER BY name
