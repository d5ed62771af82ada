SELECT schema, name, statement
FROM (
    SELECT 1 AS rank, format('DROP %s IF EXISTS %I.%I CASCADE',
               CASE c.relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW'
                    WHEN 'S' THEN 'SEQUENCE' WHEN 'f' THEN 'FOREIGN TABLE'
                    WHEN 'c' THEN 'TYPE' ELSE 'TABLE' END,
               n.nspname, c.relname) AS statement,
           n.nspname::text AS schema, c.relname::text AS name
    FROM pg_class AS c
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname = ANY ($1)
      AND c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f', 'c')
      AND NOT EXISTS (
          SELECT FROM pg_depend AS d
          WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.objsubid = 0
            AND d.deptype IN ('e', 'i'))
    UNION ALL
    SELECT 2, format('DROP ROUTINE IF EXISTS %s CASCADE', p.oid::regprocedure),
           n.nspname::text, p.proname::text
    FROM pg_proc AS p
    JOIN pg_namespace AS n ON n.oid = p.pronamespace
    WHERE n.nspname = ANY ($1)
      AND NOT EXISTS (
          SELECT FROM pg_depend AS d
          WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype IN ('e', 'i'))
    UNION ALL
    SELECT 3, format('DROP TYPE IF EXISTS %I.%I CASCADE', n.nspname, t.typname),
           n.nspname::text, t.typname::text
    FROM pg_type AS t
    JOIN pg_namespace AS n ON n.oid = t.typnamespace
    WHERE n.nspname = ANY ($1)
      AND t.typtype IN ('e', 'd', 'r')
      AND NOT EXISTS (
          SELECT FROM pg_depend AS d
          WHERE d.classid = 'pg_type'::regclass AND d.objid = t.oid AND d.deptype = 'e')
    UNION ALL
    SELECT 4, format('DROP TEXT SEARCH CONFIGURATION IF EXISTS %I.%I CASCADE',
                     n.nspname, s.cfgname),
           n.nspname::text, s.cfgname::text
    FROM pg_ts_config AS s
    JOIN pg_namespace AS n ON n.oid = s.cfgnamespace
    WHERE n.nspname = ANY ($1)
    UNION ALL
    SELECT 5, format('DROP COLLATION IF EXISTS %I.%I CASCADE', n.nspname, s.collname),
           n.nspname::text, s.collname::text
    FROM pg_collation AS s
    JOIN pg_namespace AS n ON n.oid = s.collnamespace
    WHERE n.nspname = ANY ($1)
) AS objects
ORDER BY rank, statement
