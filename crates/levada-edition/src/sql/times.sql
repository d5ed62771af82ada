SELECT category, object,
       sum(extract(epoch FROM finished_at - started_at))::float8 AS seconds,
       sum(rows)::int8 AS rows,
       sum(bytes)::int8 AS bytes,
       count(*) AS pieces
FROM levada.work
WHERE run = ANY ($1)
GROUP BY category, object
ORDER BY seconds DESC, object
