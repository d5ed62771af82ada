-- By name, what views are made from; and the tables in the schema $1, with nothing.
SELECT c.relname::text AS name, pg_catalog.pg_get_viewdef(c.oid) AS query
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind = 'v' AND c.oid >= 16384 AND n.nspname <> 'information_schema'
UNION ALL
SELECT c.relname::text, NULL
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = $1 AND c.relkind IN ('r', 'p', 'm', 'f')
