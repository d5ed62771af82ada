SELECT 'pg_class'::regclass::oid AS class, c.oid AS object,
       c.relkind IN ('v', 'm') AS is_view
FROM unnest($1::text[], $2::text[]) AS wanted(schema, name)
JOIN pg_namespace AS n ON n.nspname = wanted.schema
JOIN pg_class AS c ON c.relnamespace = n.oid AND c.relname = wanted.name
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
UNION ALL
-- Of what is only altered: the queries of views that read it or group by its keys.
SELECT 'pg_rewrite'::regclass::oid, w.oid, true
FROM unnest($3::text[], $4::text[]) AS altered(schema, name)
JOIN pg_namespace AS n ON n.nspname = altered.schema
JOIN pg_class AS c ON c.relnamespace = n.oid AND c.relname = altered.name
JOIN pg_depend AS d ON d.classid = 'pg_rewrite'::regclass
    AND (d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid
         OR d.refclassid = 'pg_type'::regclass AND d.refobjid = c.reltype
         OR d.refclassid = 'pg_constraint'::regclass
            AND d.refobjid IN (SELECT k.oid FROM pg_constraint AS k WHERE k.conrelid = c.oid))
JOIN pg_rewrite AS w ON w.oid = d.objid AND w.ev_type = '1' AND w.ev_class <> c.oid
WHERE c.relkind IN ('r', 'p', 'f')
