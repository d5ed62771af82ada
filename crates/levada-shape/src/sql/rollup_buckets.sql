SELECT bucket,
       (extract(epoch FROM bucket_start) * 1000000)::bigint AS bucket_start,
       (extract(epoch FROM bucket_end) * 1000000)::bigint AS bucket_end,
       state, source_rows, settling, in_totals
FROM levada.rollup_bucket
WHERE rollup = $1
ORDER BY rollup_bucket.bucket_start
