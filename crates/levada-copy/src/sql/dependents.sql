SELECT DISTINCT pg_describe_object(d.classid, d.objid, 0)
FROM pg_depend AS d
CROSS JOIN LATERAL pg_identify_object(d.refclassid, d.refobjid, 0) AS referenced
LEFT JOIN pg_rewrite AS w ON d.classid = 'pg_rewrite'::regclass AND w.oid = d.objid
LEFT JOIN pg_constraint AS k ON d.classid = 'pg_constraint'::regclass AND k.oid = d.objid
LEFT JOIN pg_attrdef AS f ON d.classid = 'pg_attrdef'::regclass AND f.oid = d.objid
LEFT JOIN pg_trigger AS g ON d.classid = 'pg_trigger'::regclass AND g.oid = d.objid
LEFT JOIN pg_policy AS o ON d.classid = 'pg_policy'::regclass AND o.oid = d.objid
LEFT JOIN pg_class AS c ON c.oid = coalesce(
    w.ev_class, k.conrelid, f.adrelid, g.tgrelid, o.polrelid,
    CASE WHEN d.classid = 'pg_class'::regclass THEN d.objid END)
LEFT JOIN pg_proc AS p ON d.classid = 'pg_proc'::regclass AND p.oid = d.objid
LEFT JOIN pg_type AS t ON d.classid = 'pg_type'::regclass AND t.oid = d.objid
JOIN pg_namespace AS n ON n.oid = coalesce(c.relnamespace, p.pronamespace, t.typnamespace)
WHERE referenced.schema = ANY ($1)
  AND d.deptype IN ('n', 'a')
  AND n.nspname <> ALL ($1)
  AND n.nspname NOT LIKE 'pg\_%'
  AND n.nspname NOT LIKE 'levada%'
  -- What belongs to an extension moves with it.
  AND NOT EXISTS (
      SELECT FROM pg_depend AS e
      WHERE e.deptype = 'e' AND e.classid = d.refclassid AND e.objid = d.refobjid)
ORDER BY 1
