SELECT number, fingerprint, schemas,
       to_char(as_of AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS as_of,
       to_char(published_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS published_at
FROM levada.edition
WHERE state = 'published'
ORDER BY number DESC
LIMIT 1
