SELECT k.conname::text AS name,
       tn.nspname::text AS table_schema,
       t.relname::text AS table_name,
       rn.nspname::text AS referenced_schema,
       r.relname::text AS referenced_name,
       k.convalidated AS is_valid
FROM pg_constraint AS k
JOIN pg_class AS t ON t.oid = k.conrelid
JOIN pg_namespace AS tn ON tn.oid = t.relnamespace
JOIN pg_class AS r ON r.oid = k.confrelid
JOIN pg_namespace AS rn ON rn.oid = r.relnamespace
WHERE k.contype = 'f'
  AND k.conparentid = 0
  AND tn.nspname NOT IN ('pg_catalog', 'information_schema', 'levada')
ORDER BY 2, 3, 1
