SELECT number, source, snapshot, lsn, is_durable, shape_hash,
       to_char(published_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS published_at,
       to_char(as_of AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS as_of
FROM levada.edition
WHERE state = 'published'
ORDER BY number DESC
LIMIT 1
