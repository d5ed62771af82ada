SELECT n.nspname::text AS table_schema,
       t.relname::text AS table_name,
       k.conname::text AS name,
       pg_get_constraintdef(k.oid) AS definition,
       k.convalidated AS is_valid,
       t.relkind = 'p' AS is_partitioned,
       CASE WHEN 'p' NOT IN (t.relkind, r.relkind) THEN rn.nspname::text END AS referenced_schema,
       r.relname::text AS referenced_name
FROM pg_constraint AS k
JOIN pg_class AS t ON t.oid = k.conrelid
JOIN pg_namespace AS n ON n.oid = t.relnamespace
JOIN pg_class AS r ON r.oid = k.confrelid
JOIN pg_namespace AS rn ON rn.oid = r.relnamespace
WHERE k.contype = 'f'
  AND k.conparentid = 0
  AND n.nspname = ANY ($1)
ORDER BY n.nspname, t.relname, k.conname
