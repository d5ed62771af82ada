SELECT r.name, r.version, r.closed_bucket,
       to_char(r.closed_through AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS closed_through,
       to_char(r.computed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS computed_at,
       count(*) FILTER (WHERE b.state = 'open') AS open,
       count(*) FILTER (WHERE b.state = 'provisional') AS provisional,
       count(*) FILTER (WHERE b.state = 'failed') AS failed,
       count(*) FILTER (WHERE b.state = 'gap') AS gaps
FROM levada.rollup AS r
LEFT JOIN levada.rollup_bucket AS b ON b.rollup = r.name
GROUP BY r.name
ORDER BY r.name
