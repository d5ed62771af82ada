SELECT DISTINCT pg_describe_object(d.classid, d.objid, 0)
FROM pg_depend AS d
JOIN pg_class AS referenced ON d.refclassid = 'pg_class'::regclass AND referenced.oid = d.refobjid
JOIN pg_namespace AS rn ON rn.oid = referenced.relnamespace
LEFT JOIN pg_rewrite AS w ON d.classid = 'pg_rewrite'::regclass AND w.oid = d.objid
LEFT JOIN pg_constraint AS k ON d.classid = 'pg_constraint'::regclass AND k.oid = d.objid
LEFT JOIN pg_class AS c ON c.oid = coalesce(
    w.ev_class, k.conrelid, CASE WHEN d.classid = 'pg_class'::regclass THEN d.objid END)
LEFT JOIN pg_proc AS p ON d.classid = 'pg_proc'::regclass AND p.oid = d.objid
JOIN pg_namespace AS n ON n.oid = coalesce(c.relnamespace, p.pronamespace)
WHERE rn.nspname = ANY ($1)
  AND d.deptype IN ('n', 'a')
  AND n.nspname <> ALL ($1)
  AND n.nspname NOT LIKE 'pg\_%'
  AND n.nspname <> 'levada'
ORDER BY 1
