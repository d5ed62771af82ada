SELECT number, state, placement, fingerprint, source, schemas, definitions, late_statements,
       objects, replaces,
       to_char(as_of AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS as_of,
       snapshot, lsn, is_durable, shape, shape_hash
FROM levada.edition
WHERE state = $1
ORDER BY number DESC
LIMIT 1
