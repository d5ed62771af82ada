SELECT n.nspname::text
FROM pg_namespace AS n
WHERE n.nspname NOT IN ('pg_catalog', 'information_schema')
  AND n.nspname NOT LIKE 'pg\_toast%'
  AND n.nspname NOT LIKE 'pg\_temp%'
  AND $1 = (
      n.nspname = 'levada'
      OR EXISTS (
          SELECT FROM pg_depend AS d
          WHERE d.classid = 'pg_namespace'::regclass AND d.objid = n.oid AND d.deptype = 'e'))
ORDER BY 1
