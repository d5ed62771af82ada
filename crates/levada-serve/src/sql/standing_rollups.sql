-- A target that an earlier levada has written has no layouts yet.
SELECT name, schema_name, calendar, zone, grain, version,
       to_jsonb(r) ->> 'layout' AS layout,
       to_char(closed_through AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
           AS closed_through,
       to_char(computed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS computed_at
FROM levada.rollup AS r
WHERE edition = $1
ORDER BY name
