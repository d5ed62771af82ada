DELETE FROM @table@ WHERE bucket_start = ANY (@starts@);
INSERT INTO @table@ (bucket, bucket_start, bucket_end, @columns@)
SELECT bucket, bucket_start, bucket_end, @columns@
FROM levada.stage_cells
WHERE bucket IS NOT NULL
ORDER BY bucket_start
