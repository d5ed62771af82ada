SELECT jsonb_build_object(
    'oid', p.oid::bigint,
    'name', jsonb_build_object('schema', n.nspname, 'name', p.proname),
    'kind', CASE p.prokind WHEN 'p' THEN 'PROCEDURE' WHEN 'a' THEN 'AGGREGATE'
                           ELSE 'FUNCTION' END,
    'arguments', pg_get_function_identity_arguments(p.oid),
    'signature', concat_ws(' ', p.prokind, pg_get_function_arguments(p.oid), 'RETURNS',
                           pg_get_function_result(p.oid)),
    'definition', CASE p.prokind
        WHEN 'a' THEN (SELECT concat((to_jsonb(g) - 'aggfnoid')::text, p.prosupport)
                       FROM pg_aggregate AS g WHERE g.aggfnoid = p.oid)
        ELSE pg_get_functiondef(p.oid) END,
    -- The definition is of now, this is of the snapshot.
    'sign', md5(concat_ws(' ', p.prosrc, p.probin, p.prosqlbody::text, p.proconfig::text)),
    -- Its definition needs relations to be there.
    'is_bound', EXISTS (
        SELECT FROM pg_depend AS d
        LEFT JOIN pg_type AS t ON d.refclassid = 'pg_type'::regclass AND t.oid = d.refobjid
        LEFT JOIN pg_type AS e ON t.typcategory = 'A' AND e.oid = t.typelem
        WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid
          AND (d.refclassid = 'pg_class'::regclass
               OR coalesce(nullif(e.typrelid, 0), nullif(t.typrelid, 0)) IS NOT NULL)),
    'comment', obj_description(p.oid, 'pg_proc'))::text
FROM pg_proc AS p
JOIN pg_namespace AS n ON n.oid = p.pronamespace
WHERE n.nspname = ANY ($1)
  AND NOT EXISTS (
      SELECT FROM pg_depend AS e
      WHERE e.classid = 'pg_proc'::regclass AND e.objid = p.oid AND e.deptype = 'e')
ORDER BY n.nspname, p.proname, p.oid
