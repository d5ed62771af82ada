SELECT n.nspname::text AS schema, ic.relname::text AS name, c.relname::text AS table_name,
       pg_get_indexdef(i.indexrelid) AS definition,
       obj_description(i.indexrelid, 'pg_class') AS comment
FROM pg_index AS i
JOIN pg_class AS ic ON ic.oid = i.indexrelid
JOIN pg_class AS c ON c.oid = i.indrelid AND c.relkind IN ('r', 'p')
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE i.indrelid = ANY ($1)
  AND i.indisvalid
  AND NOT ic.relispartition
  AND NOT EXISTS (
      SELECT FROM pg_constraint AS k
      WHERE k.conindid = ic.oid AND k.contype IN ('p', 'u', 'x'))
ORDER BY 1, 2
