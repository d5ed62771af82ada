-- Everything that goes when the given objects go, and what that means for each.
WITH RECURSIVE root AS MATERIALIZED (
    SELECT r.class, r.object, r.is_view
    FROM unnest($1::oid[], $2::oid[], $3::bool[]) AS r(class, object, is_view)
), falling(class, object) AS (
    SELECT class, object FROM root
    UNION
    SELECT next.class, next.object
    FROM falling AS f
    CROSS JOIN LATERAL (
        SELECT d.classid, d.objid
        FROM pg_depend AS d
        WHERE d.refclassid = f.class AND d.refobjid = f.object
          AND d.deptype IN ('n', 'a', 'i', 'P', 'S')
        UNION ALL
        -- A view cannot do without its query.
        SELECT 'pg_class'::regclass::oid, w.ev_class
        FROM pg_rewrite AS w
        WHERE f.class = 'pg_rewrite'::regclass AND w.oid = f.object AND w.ev_type = '1'
    ) AS next(class, object)
), relation AS MATERIALIZED (
    SELECT c.oid, c.relkind, c.relnamespace,
           r.object IS NOT NULL AND NOT r.is_view AS is_root
    FROM falling AS f
    JOIN pg_class AS c ON c.oid = f.object
    LEFT JOIN root AS r ON r.class = f.class AND r.object = f.object
    WHERE f.class = 'pg_class'::regclass
), judged AS (
    SELECT f.class, f.object,
           CASE f.class
               WHEN 'pg_class'::regclass THEN (
                   SELECT CASE
                       WHEN r.is_root OR r.relkind IN ('t', 'S') THEN 'goes'
                       WHEN r.relkind IN ('v', 'm') AND n.nspname NOT LIKE 'pg\_%' THEN 'view'
                       WHEN r.relkind IN ('i', 'I') AND EXISTS (
                           SELECT FROM pg_index AS i
                           JOIN relation AS t ON t.oid = i.indrelid
                           WHERE i.indexrelid = r.oid) THEN 'goes'
                       ELSE 'stays' END
                   FROM relation AS r
                   JOIN pg_namespace AS n ON n.oid = r.relnamespace
                   WHERE r.oid = f.object)
               WHEN 'pg_type'::regclass THEN (
                   SELECT CASE
                       WHEN t.typrelid IN (SELECT oid FROM relation) THEN 'goes'
                       WHEN t.typcategory = 'A' AND EXISTS (
                           SELECT FROM falling AS e
                           WHERE e.class = f.class AND e.object = t.typelem) THEN 'goes'
                       ELSE 'stays' END
                   FROM pg_type AS t
                   WHERE t.oid = f.object)
               WHEN 'pg_constraint'::regclass THEN (
                   SELECT CASE
                       WHEN k.contype = 'f' AND k.conparentid <> 0 THEN 'goes'
                       WHEN k.contype = 'f' THEN 'key'
                       WHEN k.conrelid IN (SELECT oid FROM relation) THEN 'goes'
                       ELSE 'stays' END
                   FROM pg_constraint AS k
                   WHERE k.oid = f.object)
               WHEN 'pg_attrdef'::regclass THEN (
                   SELECT CASE WHEN a.adrelid IN (SELECT oid FROM relation)
                               THEN 'goes' ELSE 'stays' END
                   FROM pg_attrdef AS a
                   WHERE a.oid = f.object)
               WHEN 'pg_rewrite'::regclass THEN (
                   SELECT CASE WHEN r.relkind IN ('v', 'm') THEN 'goes' ELSE 'stays' END
                   FROM pg_rewrite AS w
                   LEFT JOIN relation AS r ON r.oid = w.ev_class
                   WHERE w.oid = f.object)
               WHEN 'pg_trigger'::regclass THEN (
                   SELECT CASE WHEN g.tgisinternal OR r.relkind = 'v'
                               THEN 'goes' ELSE 'stays' END
                   FROM pg_trigger AS g
                   LEFT JOIN relation AS r ON r.oid = g.tgrelid
                   WHERE g.oid = f.object)
               WHEN 'pg_statistic_ext'::regclass THEN (
                   SELECT CASE WHEN s.stxrelid IN (SELECT oid FROM relation)
                               THEN 'goes' ELSE 'stays' END
                   FROM pg_statistic_ext AS s
                   WHERE s.oid = f.object)
               ELSE 'stays'
           END AS verdict
    FROM falling AS f
    LEFT JOIN root AS r ON r.class = f.class AND r.object = f.object
    WHERE r.object IS NULL OR r.is_view OR f.class = 'pg_class'::regclass
)
SELECT DISTINCT j.object, j.verdict, pg_describe_object(j.class, j.object, 0) AS description
FROM judged AS j
WHERE j.verdict <> 'goes'
UNION ALL
SELECT c.oid, 'stays', format('row level security of table %I.%I', n.nspname, c.relname)
FROM relation AS r
JOIN pg_class AS c ON c.oid = r.oid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE r.is_root AND c.relrowsecurity
ORDER BY 2, 3
