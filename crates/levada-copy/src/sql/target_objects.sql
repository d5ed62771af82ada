SELECT n.nspname::text AS schema, c.relname::text AS name
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = ANY ($1)
  AND c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
  AND NOT EXISTS (
      SELECT FROM pg_depend AS d
      WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.objsubid = 0
        AND d.deptype IN ('e', 'i', 'a'))
UNION ALL
SELECT n.nspname::text, t.typname::text
FROM pg_type AS t
JOIN pg_namespace AS n ON n.oid = t.typnamespace
LEFT JOIN pg_class AS c ON c.oid = t.typrelid
WHERE n.nspname = ANY ($1)
  AND (t.typtype IN ('e', 'd', 'r') OR c.relkind = 'c')
  AND NOT EXISTS (
      SELECT FROM pg_depend AS d
      WHERE d.classid = 'pg_type'::regclass AND d.objid = t.oid AND d.deptype = 'e')
UNION ALL
SELECT n.nspname::text, p.proname::text
FROM pg_proc AS p
JOIN pg_namespace AS n ON n.oid = p.pronamespace
WHERE n.nspname = ANY ($1)
  AND NOT EXISTS (
      SELECT FROM pg_depend AS d
      WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype IN ('e', 'i'))
UNION ALL
SELECT n.nspname::text, s.cfgname::text
FROM pg_ts_config AS s
JOIN pg_namespace AS n ON n.oid = s.cfgnamespace
WHERE n.nspname = ANY ($1)
UNION ALL
SELECT n.nspname::text, s.collname::text
FROM pg_collation AS s
JOIN pg_namespace AS n ON n.oid = s.collnamespace
WHERE n.nspname = ANY ($1)
ORDER BY 1, 2
