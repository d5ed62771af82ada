SELECT jsonb_build_object(
    'oid', c.oid::bigint,
    'name', jsonb_build_object('schema', n.nspname, 'name', c.relname),
    'is_materialized', c.relkind = 'm',
    'query', regexp_replace(pg_get_viewdef(c.oid), ';\s*$', ''),
    'sign', (SELECT md5(string_agg(w.ev_action::text, '' ORDER BY w.rulename))
             FROM pg_rewrite AS w WHERE w.ev_class = c.oid AND w.ev_type = '1'),
    'options', (SELECT string_agg(format('%s=%L', o.option_name, o.option_value), ', ')
                FROM pg_options_to_table(c.reloptions) AS o),
    'indexes', coalesce((
        SELECT jsonb_agg(pg_get_indexdef(i.indexrelid) ORDER BY i.indexrelid)
        FROM pg_index AS i WHERE i.indrelid = c.oid), '[]'),
    'comment', obj_description(c.oid, 'pg_class'),
    'columns', coalesce((
        SELECT jsonb_agg(jsonb_build_object(
                   'name', a.attname,
                   'comment', col_description(a.attrelid, a.attnum)) ORDER BY a.attnum)
        FROM pg_attribute AS a
        WHERE a.attrelid = c.oid AND a.attnum > 0), '[]'))::text
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('v', 'm')
  AND c.relpersistence <> 't'
  AND n.nspname = ANY ($1)
  AND NOT EXISTS (
      SELECT FROM pg_depend AS e
      WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e')
ORDER BY n.nspname, c.relname
