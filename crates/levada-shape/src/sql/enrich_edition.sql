SELECT e.base,
       e.objects,
       ARRAY (
           SELECT s.name
           FROM (SELECT pg_catalog.unnest(e.schemas) AS name
                 UNION
                 SELECT n.nspname::text
                 FROM pg_catalog.pg_extension AS x
                 JOIN pg_catalog.pg_namespace AS n ON n.oid = x.extnamespace
                 WHERE n.nspname <> 'pg_catalog') AS s
           ORDER BY s.name <> 'public', s.name
       ) AS schemas
FROM levada.edition AS e
WHERE e.number = $1
