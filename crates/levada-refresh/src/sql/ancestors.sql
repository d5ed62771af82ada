WITH RECURSIVE line AS (
    SELECT i.inhparent AS oid
    FROM pg_catalog.pg_inherits AS i
    JOIN pg_catalog.pg_class AS c ON c.oid = i.inhrelid
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname = $1 AND c.relname = $2
    UNION
    SELECT i.inhparent FROM pg_catalog.pg_inherits AS i JOIN line ON line.oid = i.inhrelid
)
SELECT n.nspname::text, c.relname::text
FROM line
JOIN pg_catalog.pg_class AS c ON c.oid = line.oid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
