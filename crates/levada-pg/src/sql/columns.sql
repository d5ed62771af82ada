SELECT a.attrelid AS table_oid,
       a.attname::text AS name,
       a.atttypid AS type_oid,
       a.attnum AS number,
       a.attgenerated <> '' AS is_generated
FROM pg_attribute AS a
JOIN pg_class AS c ON c.oid = a.attrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'f')
  AND c.relpersistence <> 't'
  AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'levada')
  AND n.nspname NOT LIKE 'pg\_toast%'
  AND a.attnum > 0
  AND NOT a.attisdropped
ORDER BY a.attrelid, a.attnum
