SELECT r.number, r.edition, r.command, r.outcome, r.message,
       to_char(r.started_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
           AS started_at,
       extract(epoch FROM coalesce(r.finished_at, clock_timestamp()) - r.started_at)::float8
           AS seconds,
       e.state AS edition_state,
       to_char(e.as_of AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS as_of
FROM levada.run AS r
LEFT JOIN levada.edition AS e ON e.number = r.edition
WHERE r.number = ANY ($1)
ORDER BY r.number
