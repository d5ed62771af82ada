SELECT jsonb_build_object(
    'oid', t.oid::bigint,
    'name', jsonb_build_object('schema', n.nspname, 'name', t.typname),
    'comment', obj_description(t.oid, 'pg_type'),
    'labels', coalesce((
        SELECT jsonb_agg(jsonb_build_object('oid', e.oid::bigint, 'text', e.enumlabel)
                         ORDER BY e.enumsortorder)
        FROM pg_enum AS e WHERE e.enumtypid = t.oid), '[]'))::text
FROM pg_type AS t
JOIN pg_namespace AS n ON n.oid = t.typnamespace
WHERE t.typtype = 'e'
  AND n.nspname = ANY ($1)
  AND NOT EXISTS (
      SELECT FROM pg_depend AS e
      WHERE e.classid = 'pg_type'::regclass AND e.objid = t.oid AND e.deptype = 'e')
ORDER BY n.nspname, t.typname
