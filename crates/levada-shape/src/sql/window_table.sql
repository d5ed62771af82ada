WITH RECURSIVE family AS (
    SELECT c.oid
    FROM pg_catalog.pg_class AS c
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname = $1 AND c.relname = $2
    UNION
    SELECT i.inhrelid FROM pg_catalog.pg_inherits AS i JOIN family ON family.oid = i.inhparent
)
SELECT c.relkind::text,
       -- The keys of an ordinary table say nothing about the rows of its children.
       c.relkind = 'r' AND (SELECT count(*) > 1 FROM family) AS has_children,
       (SELECT string_agg(oid::text, ' ' ORDER BY oid) FROM family) AS family
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = $1 AND c.relname = $2
