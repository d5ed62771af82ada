SELECT a.attname::text AS name,
       pg_catalog.format_type(a.atttypid, a.atttypmod)
           || CASE WHEN a.attcollation <> t.typcollation AND o.oid IS NOT NULL
                   THEN pg_catalog.format(' COLLATE %I.%I', s.nspname, o.collname)
                   ELSE '' END AS definition,
       (WITH RECURSIVE base AS (
            SELECT t.oid, t.typtype, t.typbasetype
            UNION ALL
            SELECT b.oid, b.typtype, b.typbasetype
            FROM base
            JOIN pg_catalog.pg_type AS b ON b.oid = base.typbasetype
            WHERE base.typtype = 'd'
        )
        SELECT pg_catalog.format_type(oid, NULL) FROM base WHERE typtype <> 'd') AS base_type,
       -- Without columns that the key's index only includes.
       pg_catalog.array_position((i.indkey::int2[])[0:i.indnkeyatts - 1], a.attnum)
           AS key_position
FROM pg_catalog.pg_attribute AS a
JOIN pg_catalog.pg_class AS c ON c.oid = a.attrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_type AS t ON t.oid = a.atttypid
LEFT JOIN pg_catalog.pg_collation AS o ON o.oid = a.attcollation
LEFT JOIN pg_catalog.pg_namespace AS s ON s.oid = o.collnamespace
LEFT JOIN pg_catalog.pg_index AS i ON i.indrelid = c.oid AND i.indisprimary AND i.indisvalid
WHERE n.nspname = $1 AND c.relname = $2 AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum
