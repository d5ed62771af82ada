SELECT b.rollup, b.bucket, b.state,
       to_char(b.bucket_start AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS bucket_start,
       to_char(b.bucket_end AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS bucket_end
FROM levada.rollup_bucket AS b
JOIN levada.rollup AS r ON r.name = b.rollup
WHERE r.edition = $1
ORDER BY b.rollup, b.bucket_start
