WITH RECURSIVE bound AS (
    -- Routines whose text, or whose own search_path, names one of the schemas.
    SELECT p.oid
    FROM pg_proc AS p
    JOIN pg_namespace AS n ON n.oid = p.pronamespace
    JOIN pg_language AS l ON l.oid = p.prolang
    CROSS JOIN unnest($1::text[]) AS schema(name)
    WHERE n.nspname = ANY ($1)
      AND l.lanname NOT IN ('internal', 'c')
      AND p.prosqlbody IS NULL
      AND p.prorettype <> 'trigger'::regtype
      AND (position(schema.name IN p.prosrc) > 0
           OR position(schema.name IN coalesce(p.proconfig::text, '')) > 0)
    UNION
    -- Routines that call those by reference.
    SELECT d.objid
    FROM bound AS b
    JOIN pg_depend AS d
      ON d.classid = 'pg_proc'::regclass
     AND d.refclassid = 'pg_proc'::regclass
     AND d.refobjid = b.oid
)
SELECT pg_describe_object('pg_proc'::regclass, b.oid, 0) AS routine,
       pg_describe_object(d.classid, d.objid, 0) AS dependent
FROM bound AS b
LEFT JOIN pg_depend AS d
  ON d.refclassid = 'pg_proc'::regclass
 AND d.refobjid = b.oid
 AND (d.classid IN ('pg_constraint'::regclass)
      OR d.classid = 'pg_class'::regclass
         AND EXISTS (SELECT FROM pg_class AS i WHERE i.oid = d.objid AND i.relkind IN ('i', 'I'))
      OR d.classid = 'pg_attrdef'::regclass
         AND EXISTS (
             SELECT FROM pg_attrdef AS f
             JOIN pg_attribute AS a ON a.attrelid = f.adrelid AND a.attnum = f.adnum
             WHERE f.oid = d.objid AND a.attgenerated <> ''))
ORDER BY 1, 2
