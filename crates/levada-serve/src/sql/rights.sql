-- What the current role may do with the schemas $1, and what it may not read of $2.
WITH relation AS (
    SELECT c.oid, n.nspname AS schema, pg_catalog.format('%I.%I', n.nspname, c.relname) AS name
    FROM pg_catalog.pg_class AS c
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname = ANY ($1) AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
),
said AS (
    SELECT 1 AS place, 'do anything, as a superuser' AS what
    FROM pg_catalog.pg_roles WHERE rolname = current_user AND rolsuper
    UNION ALL
    SELECT 2, 'create schemas'
    WHERE pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE')
    UNION ALL
    SELECT 3, 'create tables in ' || pg_catalog.string_agg(n.nspname, ', ' ORDER BY n.nspname)
    FROM pg_catalog.pg_namespace AS n
    WHERE n.nspname = ANY ($1) AND pg_catalog.has_schema_privilege(n.oid, 'CREATE')
    HAVING count(*) > 0
    UNION ALL
    SELECT 4, pg_catalog.format('write %s tables, such as %s', count(*), min(r.name))
    FROM relation AS r
    WHERE pg_catalog.has_table_privilege(r.oid, 'INSERT, UPDATE, DELETE, TRUNCATE')
    HAVING count(*) > 0
)
SELECT ARRAY(SELECT what FROM said ORDER BY place) AS writes,
       ARRAY(
           SELECT 'schema ' || n.nspname
           FROM pg_catalog.pg_namespace AS n
           WHERE n.nspname = ANY ($2) AND NOT pg_catalog.has_schema_privilege(n.oid, 'USAGE')
           UNION ALL
           SELECT CASE count(*)
                      WHEN 1 THEN min(r.name)
                      ELSE pg_catalog.format('%s and %s more', min(r.name), count(*) - 1)
                  END
           FROM relation AS r
           WHERE r.schema = ANY ($2) AND NOT pg_catalog.has_table_privilege(r.oid, 'SELECT')
           HAVING count(*) > 0
       ) AS unreadable
