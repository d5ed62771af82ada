SELECT DISTINCT n.nspname::text, c.relname::text
FROM pg_catalog.pg_rewrite AS w
JOIN pg_catalog.pg_depend AS d
  ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid
 AND d.refclassid = 'pg_class'::regclass AND d.refobjid <> w.ev_class
JOIN pg_catalog.pg_class AS c ON c.oid = d.refobjid AND c.relkind <> 'S'
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE w.ev_class = 'levada.stage_query'::regclass
