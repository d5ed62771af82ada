WITH grouped AS (
    SELECT w.run, w.category, w.object,
           extract(epoch FROM min(w.started_at) - min(r.started_at))::float8 AS begins,
           extract(epoch FROM max(w.finished_at) - min(r.started_at))::float8 AS ends,
           sum(extract(epoch FROM w.finished_at - w.started_at))::float8 AS seconds,
           sum(w.rows)::int8 AS rows,
           count(*) AS pieces
    FROM levada.work AS w
    JOIN levada.run AS r ON r.number = w.run
    WHERE w.run = ANY ($1)
    GROUP BY w.run, w.category, w.object
), ranked AS (
    SELECT g.*,
           row_number() OVER (PARTITION BY run ORDER BY seconds DESC, category, object) AS place,
           count(*) OVER (PARTITION BY run) AS works
    FROM grouped AS g
)
SELECT run, category, object, begins, ends, seconds, rows, pieces, works
FROM ranked
WHERE place <= $2
ORDER BY run DESC, begins, ends, category, object
