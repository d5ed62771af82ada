SELECT hash,
       pg_catalog.count(*) AS rows,
       pg_catalog.count(*) FILTER (WHERE written = 2) AS since,
       pg_catalog.count(*) FILTER (WHERE written = 1) AS unclear
FROM (
    -- OFFSET 0 keeps the hash from being computed once more for each use of it.
    SELECT @hash@ AS hash, @written@ AS written
    FROM @relation@
    WHERE @condition@
    OFFSET 0) AS hashed
GROUP BY hash
