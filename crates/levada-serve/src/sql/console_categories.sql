SELECT run, category,
       sum(extract(epoch FROM finished_at - started_at))::float8 AS seconds,
       count(*) AS pieces
FROM levada.work
WHERE run = ANY ($1)
GROUP BY run, category
ORDER BY run DESC, seconds DESC, category
