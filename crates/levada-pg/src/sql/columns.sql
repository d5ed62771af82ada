SELECT a.attrelid AS table_oid,
       a.attname::text AS name,
       a.atttypid AS type_oid,
       format_type(a.atttypid, a.atttypmod) AS type_name,
       a.attnum AS number,
       a.attnotnull AS is_not_null,
       a.attgenerated <> '' AS is_generated,
       a.attidentity = 'a' AS is_always_identity,
       -- One value, in the text of an array: what rows hold that are older than the column.
       CASE WHEN a.atthasmissing THEN a.attmissingval::text END AS missing,
       coalesce(l.collisdeterministic, true) AS is_deterministic,
       CASE WHEN a.attcollation <> t.typcollation THEN l.oid::regcollation::text END AS collation
FROM pg_attribute AS a
JOIN pg_class AS c ON c.oid = a.attrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_type AS t ON t.oid = a.atttypid
LEFT JOIN pg_collation AS l ON l.oid = a.attcollation
WHERE c.relkind IN ('r', 'p', 'f')
  AND c.relpersistence <> 't'
  AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'levada')
  AND n.nspname NOT LIKE 'pg\_toast%'
  AND a.attnum > 0
  AND NOT a.attisdropped
ORDER BY a.attrelid, a.attnum
