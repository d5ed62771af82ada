SELECT format('CAST (%s AS %s)',
              format_type(c.castsource, NULL), format_type(c.casttarget, NULL)) AS name,
       array_remove(
           ARRAY[sn.nspname::text, tn.nspname::text, fn.nspname::text], NULL) AS schemas
FROM pg_cast AS c
JOIN pg_type AS s ON s.oid = c.castsource
JOIN pg_namespace AS sn ON sn.oid = s.typnamespace
JOIN pg_type AS t ON t.oid = c.casttarget
JOIN pg_namespace AS tn ON tn.oid = t.typnamespace
LEFT JOIN pg_proc AS f ON f.oid = c.castfunc
LEFT JOIN pg_namespace AS fn ON fn.oid = f.pronamespace
-- FirstNormalObjectId: what is below came with PostgreSQL.
WHERE c.oid >= 16384
ORDER BY 1
