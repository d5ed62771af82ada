-- A function that gives nothing back, such as one that waits, changes no answer.
SELECT p.proname || '()'
FROM unnest(@schemas@, @names@) AS c(schema_name, name)
JOIN pg_catalog.pg_proc AS p ON p.proname = c.name
JOIN pg_catalog.pg_namespace AS n
  ON n.oid = p.pronamespace
 AND (n.nspname = c.schema_name OR pg_catalog.pg_function_is_visible(p.oid))
LEFT JOIN pg_catalog.pg_depend AS d
  ON d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass
 AND d.objid = p.oid AND d.deptype = 'e'
WHERE p.prorettype <> 'pg_catalog.void'::pg_catalog.regtype
  AND (p.provolatile = 'v'
       -- A function of somebody's may read tables.
       OR p.provolatile = 's' AND p.oid >= 16384 AND d.objid IS NULL
       OR p.prokind = 'f' AND p.provolatile = 's' AND p.pronargs = 0
       OR p.provolatile = 's' AND p.proname ~ (
          '^(pg_|has_|txid_|to_reg|inet_|current_|row_security|lo_|ts_)'
          || '|_to_xml|_description$'))
ORDER BY p.proname
LIMIT 1
