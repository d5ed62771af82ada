SELECT count(*) FILTER (WHERE ranges = done),
       count(*),
       coalesce(sum(done), 0),
       coalesce(sum(ranges), 0),
       (SELECT count(*) FROM levada.edition WHERE state = 'published')
FROM (
    SELECT count(*) AS ranges, count(*) FILTER (WHERE state = 'done') AS done
    FROM levada.chunk
    WHERE schema_name <> 'levada'
    GROUP BY schema_name, table_name
) AS tables
