SELECT c.oid,
       n.nspname::text AS schema,
       c.relname::text AS name,
       c.relkind AS kind,
       c.relfilenode AS filenode,
       coalesce(pg_relation_size(c.oid), 0) AS bytes,
       greatest(c.reltuples, 0)::float8 AS rows_estimate,
       coalesce(am.amname = 'heap', false) AS is_heap,
       has_table_privilege(c.oid, 'SELECT') AS is_readable,
       row_security_active(c.oid) AS hides_rows
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
LEFT JOIN pg_am AS am ON am.oid = c.relam
WHERE c.relkind IN ('r', 'p', 'f')
  AND c.relpersistence <> 't'
  AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'levada')
  AND n.nspname NOT LIKE 'pg\_toast%'
  AND NOT EXISTS (
      SELECT FROM pg_depend AS d
      WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
ORDER BY n.nspname, c.relname
