SELECT r.number, r.edition, r.command, r.version, r.host, r.process, r.outcome, r.message,
       e.state AS edition_state,
       to_char(r.started_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS started_at,
       extract(epoch FROM coalesce(r.finished_at, clock_timestamp()) - r.started_at)::float8
           AS seconds
FROM levada.run AS r
LEFT JOIN levada.edition AS e ON e.number = r.edition
ORDER BY r.number DESC
LIMIT $1
