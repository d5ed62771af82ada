SELECT n.nspname::text AS schema,
       c.relname::text AS name,
       c.relkind = 'm' AS is_materialized,
       c.relispopulated AS is_populated,
       -- Those of PostgreSQL itself leave no trace here.
       bool_or(EXISTS (
           SELECT FROM pg_depend AS f
           WHERE f.classid = 'pg_rewrite'::regclass AND f.objid = w.oid
             AND f.refclassid = 'pg_proc'::regclass)) AS calls_routines,
       coalesce(array_agg(rn.nspname::text ORDER BY r.oid) FILTER (WHERE r.oid IS NOT NULL), '{}')
           AS read_schemas,
       coalesce(array_agg(r.relname::text ORDER BY r.oid) FILTER (WHERE r.oid IS NOT NULL), '{}')
           AS read_names
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
LEFT JOIN pg_rewrite AS w ON w.ev_class = c.oid
LEFT JOIN pg_depend AS d
       ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid
      AND d.refclassid = 'pg_class'::regclass AND d.refobjid <> c.oid AND d.refobjsubid >= 0
LEFT JOIN pg_class AS r ON r.oid = d.refobjid
LEFT JOIN pg_namespace AS rn ON rn.oid = r.relnamespace
WHERE c.relkind IN ('v', 'm')
  AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'levada')
  AND NOT EXISTS (
      SELECT FROM pg_depend AS e
      WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e')
GROUP BY n.nspname, c.relname, c.relkind, c.relispopulated
ORDER BY 1, 2
