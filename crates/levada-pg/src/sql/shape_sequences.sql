SELECT jsonb_build_object(
    'oid', c.oid::bigint,
    'name', jsonb_build_object('schema', n.nspname, 'name', c.relname),
    'type_name', format_type(s.seqtypid, NULL),
    'options', format('INCREMENT BY %s MINVALUE %s MAXVALUE %s START WITH %s CACHE %s %s',
                      s.seqincrement, s.seqmin, s.seqmax, s.seqstart, s.seqcache,
                      CASE WHEN s.seqcycle THEN 'CYCLE' ELSE 'NO CYCLE' END),
    'is_identity', coalesce(d.deptype = 'i', false),
    'owner', CASE WHEN t.oid IS NOT NULL THEN jsonb_build_object(
        'table', jsonb_build_object('schema', tn.nspname, 'name', t.relname),
        'column', a.attname) END,
    -- Serves others than its owner as well.
    'is_shared', EXISTS (
        SELECT FROM pg_depend AS u
        JOIN pg_attrdef AS f ON u.classid = 'pg_attrdef'::regclass AND f.oid = u.objid
        WHERE u.refclassid = 'pg_class'::regclass AND u.refobjid = c.oid
          AND f.adrelid IS DISTINCT FROM t.oid),
    'comment', obj_description(c.oid, 'pg_class'))::text
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_sequence AS s ON s.seqrelid = c.oid
LEFT JOIN pg_depend AS d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid
    AND d.refclassid = 'pg_class'::regclass AND d.refobjsubid > 0 AND d.deptype IN ('a', 'i')
LEFT JOIN pg_class AS t ON t.oid = d.refobjid
LEFT JOIN pg_namespace AS tn ON tn.oid = t.relnamespace
LEFT JOIN pg_attribute AS a ON a.attrelid = t.oid AND a.attnum = d.refobjsubid
WHERE c.relpersistence <> 't'
  AND n.nspname = ANY ($1)
  AND NOT EXISTS (
      SELECT FROM pg_depend AS e
      WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e')
ORDER BY n.nspname, c.relname
