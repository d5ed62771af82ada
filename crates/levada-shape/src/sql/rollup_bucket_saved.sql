INSERT INTO levada.rollup_bucket AS b
    (rollup, bucket, bucket_start, bucket_end, state, source_rows, settling, in_totals, version,
     edition)
SELECT v.rollup, v.bucket, v.bucket_start, v.bucket_end, v.state, v.source_rows, v.settling,
       v.in_totals, 1, v.edition
FROM (VALUES @values@) AS v(rollup, bucket, bucket_start, bucket_end, state, source_rows, settling,
                            in_totals, is_computed, edition)
ON CONFLICT (rollup, bucket_start) DO UPDATE
SET bucket = excluded.bucket,
    bucket_end = excluded.bucket_end,
    state = excluded.state,
    source_rows = excluded.source_rows,
    settling = excluded.settling,
    in_totals = excluded.in_totals,
    version = b.version + 1,
    edition = excluded.edition,
    computed_at = excluded.computed_at
