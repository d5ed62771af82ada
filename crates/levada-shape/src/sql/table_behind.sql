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
       (SELECT string_agg(oid::text, ' ' ORDER BY oid) FROM family) AS family,
       -- A column that was dropped and added again has other values in rows that nobody changed.
       (SELECT string_agg(
                   pg_catalog.concat_ws(
                       ' ', a.attnum, a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod),
                       CASE WHEN a.attgenerated <> ''
                            THEN pg_catalog.pg_get_expr(d.adbin, d.adrelid) END),
                   E'\n' ORDER BY a.attnum)
        FROM pg_catalog.pg_attribute AS a
        LEFT JOIN pg_catalog.pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS columns
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = $1 AND c.relname = $2
