-- The columns of a query, in types that do not belong to the edition: what depends on its types
-- would be in the way of the next one.
WITH RECURSIVE bare AS (
    SELECT a.attnum AS number, a.attname::text AS name, a.atttypid AS type,
           a.atttypmod AS modifier, a.attcollation AS collation
    FROM pg_catalog.pg_attribute AS a
    WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped
    UNION ALL
    SELECT b.number, b.name, t.typbasetype, t.typtypmod, b.collation
    FROM bare AS b
    JOIN pg_catalog.pg_type AS t ON t.oid = b.type
    WHERE t.typtype = 'd'
)
SELECT b.name,
       CASE
           WHEN t.typtype = 'e' THEN 'text'
           WHEN e.typtype = 'e' THEN 'text[]'
           ELSE pg_catalog.format_type(b.type, b.modifier)
       END AS type,
       (SELECT pg_catalog.quote_ident(l.collname)
        FROM pg_catalog.pg_collation AS l
        WHERE l.oid = b.collation AND l.oid < 16384 AND l.collname <> 'default'
          AND t.typcollation <> 0 AND l.oid <> t.typcollation) AS collation,
       t.typtype <> 'e' AND coalesce(e.typtype, t.typtype) <> 'e' AND t.oid >= 16384
       AND NOT EXISTS (
           SELECT FROM pg_catalog.pg_depend AS d
           WHERE d.classid = 'pg_catalog.pg_type'::pg_catalog.regclass
             AND d.objid IN (t.oid, e.oid) AND d.deptype = 'e') AS is_of_edition
FROM bare AS b
JOIN pg_catalog.pg_type AS t ON t.oid = b.type AND t.typtype <> 'd'
LEFT JOIN pg_catalog.pg_type AS e ON t.typcategory = 'A' AND e.oid = t.typelem
ORDER BY b.number
