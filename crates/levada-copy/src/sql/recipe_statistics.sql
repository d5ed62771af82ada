SELECT n.nspname::text AS table_schema,
       t.relname::text AS table_name,
       s.stxname::text AS name,
       sn.nspname::text AS statistics_schema,
       pg_get_statisticsobjdef(s.oid) AS definition
FROM pg_statistic_ext AS s
JOIN pg_namespace AS sn ON sn.oid = s.stxnamespace
JOIN pg_class AS t ON t.oid = s.stxrelid
JOIN pg_namespace AS n ON n.oid = t.relnamespace
WHERE n.nspname = ANY ($1)
ORDER BY n.nspname, t.relname, s.stxname
