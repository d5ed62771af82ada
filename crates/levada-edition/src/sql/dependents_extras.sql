-- What belongs to a view besides its query, as statements, in the order in which they must run.
SELECT e.oid, e.statement
FROM (
    SELECT i.indrelid, 1, pg_get_indexdef(i.indexrelid)
    FROM pg_index AS i
    UNION ALL
    SELECT i.indrelid, 2, format('COMMENT ON INDEX %s IS %L', i.indexrelid::regclass, d.description)
    FROM pg_index AS i
    JOIN pg_description AS d
      ON d.classoid = 'pg_class'::regclass AND d.objoid = i.indexrelid AND d.objsubid = 0
    UNION ALL
    SELECT i.indrelid, 2, format('ALTER MATERIALIZED VIEW %s CLUSTER ON %I',
                                 i.indrelid::regclass, ic.relname)
    FROM pg_index AS i
    JOIN pg_class AS ic ON ic.oid = i.indexrelid
    WHERE i.indisclustered
    UNION ALL
    SELECT s.stxrelid, 3, pg_get_statisticsobjdef(s.oid)
    FROM pg_statistic_ext AS s
    UNION ALL
    SELECT a.adrelid, 3, format('ALTER VIEW %s ALTER COLUMN %I SET DEFAULT %s',
                                a.adrelid::regclass, c.attname, pg_get_expr(a.adbin, a.adrelid))
    FROM pg_attrdef AS a
    JOIN pg_attribute AS c ON c.attrelid = a.adrelid AND c.attnum = a.adnum
    UNION ALL
    SELECT w.ev_class, 3, rtrim(pg_get_ruledef(w.oid), ';')
    FROM pg_rewrite AS w
    WHERE w.ev_type <> '1'
    UNION ALL
    SELECT g.tgrelid, 3, pg_get_triggerdef(g.oid)
    FROM pg_trigger AS g
    WHERE NOT g.tgisinternal
    UNION ALL
    SELECT g.tgrelid, 4, format('COMMENT ON TRIGGER %I ON %s IS %L',
                                g.tgname, g.tgrelid::regclass, d.description)
    FROM pg_trigger AS g
    JOIN pg_description AS d ON d.classoid = 'pg_trigger'::regclass AND d.objoid = g.oid
    UNION ALL
    SELECT c.oid, 4,
           CASE WHEN d.objsubid = 0
                THEN format('COMMENT ON %s %s IS %L', CASE c.relkind WHEN 'm'
                            THEN 'MATERIALIZED VIEW' ELSE 'VIEW' END,
                            c.oid::regclass, d.description)
                ELSE format('COMMENT ON COLUMN %s.%I IS %L',
                            c.oid::regclass, a.attname, d.description) END
    FROM pg_description AS d
    JOIN pg_class AS c ON c.oid = d.objoid
    LEFT JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = d.objsubid
    WHERE d.classoid = 'pg_class'::regclass
) AS e(oid, place, statement)
WHERE e.oid = ANY ($1)
ORDER BY e.oid, e.place, e.statement
