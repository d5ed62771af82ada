SELECT number, host, process,
       to_char(started_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS') AS started_at
FROM levada.run
WHERE outcome = 'running'
ORDER BY number DESC
LIMIT 1
