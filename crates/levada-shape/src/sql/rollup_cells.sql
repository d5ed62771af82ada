SELECT b.bucket, b.bucket_start, b.bucket_end, @columns@, g.source_rows
FROM (
    SELECT @group@, @measures@, count(*) AS source_rows
    FROM (
        SELECT width_bucket("levada at", @edges@) AS "levada n", r.*
        FROM (@rows@) AS r
        WHERE @within@
    ) AS s
    GROUP BY @group@
) AS g
@outer@ JOIN @buckets@ ON b.n = g."levada n"
