SELECT jsonb_build_object(
    'oid', c.oid::bigint,
    'name', jsonb_build_object('schema', n.nspname, 'name', c.relname),
    'is_partitioned', c.relkind = 'p',
    'is_unlogged', c.relpersistence = 'u',
    'is_typed', c.reloftype <> 0,
    'filenode', coalesce(pg_relation_filenode(c.oid), 0)::bigint,
    -- Routines, columns and types that speak of its rows.
    'is_bound', EXISTS (
        SELECT FROM pg_depend AS d
        WHERE d.deptype = 'n'
          AND (d.refclassid = 'pg_type'::regclass
               AND d.refobjid IN (SELECT t.oid FROM pg_type AS t
                                  WHERE c.reltype <> 0 AND (t.oid = c.reltype
                                        OR t.typelem = c.reltype AND t.typcategory = 'A'))
               AND d.classid <> 'pg_rewrite'::regclass
               OR d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid
               AND d.classid = 'pg_proc'::regclass)),
    'partition_key', pg_get_partkeydef(c.oid),
    'bound', CASE WHEN c.relispartition THEN pg_get_expr(c.relpartbound, c.oid) END,
    'parents', coalesce((
        SELECT jsonb_agg(jsonb_build_object('schema', pn.nspname, 'name', p.relname)
                         ORDER BY h.inhseqno)
        FROM pg_inherits AS h
        JOIN pg_class AS p ON p.oid = h.inhparent
        JOIN pg_namespace AS pn ON pn.oid = p.relnamespace
        WHERE h.inhrelid = c.oid), '[]'),
    'comment', obj_description(c.oid, 'pg_class'),
    'columns', coalesce((
        SELECT jsonb_agg(jsonb_build_object(
                   'number', a.attnum,
                   'name', a.attname,
                   'type_name', format_type(a.atttypid, a.atttypmod),
                   'is_not_null', a.attnotnull,
                   'identity', a.attidentity,
                   'generated', a.attgenerated,
                   'expression', pg_get_expr(d.adbin, d.adrelid),
                   'expression_sign', md5(d.adbin::text),
                   'collation', CASE WHEN a.attcollation <> t.typcollation
                                     THEN format('%I.%I', ln.nspname, l.collname) END,
                   'missing', CASE WHEN a.atthasmissing
                                   THEN (a.attmissingval::text::text[])[1] END,
                   'has_missing', a.atthasmissing,
                   'comment', col_description(a.attrelid, a.attnum)) ORDER BY a.attnum)
        FROM pg_attribute AS a
        JOIN pg_type AS t ON t.oid = a.atttypid
        LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
        LEFT JOIN pg_collation AS l ON l.oid = a.attcollation
        LEFT JOIN pg_namespace AS ln ON ln.oid = l.collnamespace
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped), '[]'),
    'constraints', coalesce((
        SELECT jsonb_agg(jsonb_build_object(
                   'oid', k.oid::bigint,
                   'name', k.conname,
                   'kind', k.contype,
                   'definition', regexp_replace(pg_get_constraintdef(k.oid), ' NOT VALID$', ''),
                   'sign', md5((to_jsonb(k) - ARRAY['conname', 'convalidated', 'connamespace',
                       'conindid', 'conparentid', 'coninhcount', 'conislocal'])::text
                       || coalesce((to_jsonb(i) - ARRAY['indexrelid', 'indisclustered',
                       'indcheckxmin', 'indisvalid', 'indisready', 'indislive',
                       'indisreplident'])::text, '')),
                   'is_valid', k.convalidated,
                   'is_inherited', k.conparentid <> 0 OR NOT k.conislocal,
                   'references', CASE WHEN r.oid IS NOT NULL THEN
                       jsonb_build_object('schema', rn.nspname, 'name', r.relname) END,
                   'comment', obj_description(k.oid, 'pg_constraint')) ORDER BY k.conname)
        FROM pg_constraint AS k
        LEFT JOIN pg_class AS r ON r.oid = k.confrelid
        LEFT JOIN pg_namespace AS rn ON rn.oid = r.relnamespace
        LEFT JOIN pg_index AS i ON i.indexrelid = k.conindid AND k.contype IN ('p', 'u', 'x')
        WHERE k.conrelid = c.oid AND k.contype IN ('c', 'p', 'u', 'x', 'f')), '[]'),
    'indexes', coalesce((
        SELECT jsonb_agg(jsonb_build_object(
                   'oid', ic.oid::bigint,
                   'name', ic.relname,
                   'is_unique', i.indisunique,
                   -- What follows the name of the table: USING method (columns) and so on
                   'body', CASE WHEN starts_with(def.text, def.head)
                                THEN substr(def.text, length(def.head) + 1) END,
                   'sign', md5(concat(ic.relam, ic.reloptions, to_jsonb(i) - ARRAY['indexrelid',
                       'indisclustered', 'indcheckxmin', 'indisvalid', 'indisready',
                       'indislive', 'indisreplident'])),
                   'is_inherited', ic.relispartition,
                   'comment', obj_description(ic.oid, 'pg_class')) ORDER BY ic.relname)
        FROM pg_index AS i
        JOIN pg_class AS ic ON ic.oid = i.indexrelid
        CROSS JOIN LATERAL (
            SELECT pg_get_indexdef(ic.oid),
                   format('CREATE %sINDEX %I ON %s%I.%I ',
                          CASE WHEN i.indisunique THEN 'UNIQUE ' ELSE '' END, ic.relname,
                          CASE WHEN c.relkind = 'p' THEN 'ONLY ' ELSE '' END,
                          n.nspname, c.relname)) AS def(text, head)
        WHERE i.indrelid = c.oid
          AND (i.indisvalid OR c.relkind = 'p')
          AND NOT EXISTS (
              SELECT FROM pg_constraint AS k
              WHERE k.conindid = ic.oid AND k.contype IN ('p', 'u', 'x'))), '[]'),
    'statistics', coalesce((
        SELECT jsonb_agg(jsonb_build_object(
                   'oid', s.oid::bigint,
                   'name', jsonb_build_object('schema', sn.nspname, 'name', s.stxname),
                   -- What stands between its name and the table's.
                   'body', CASE WHEN starts_with(def.text, def.head)
                                     AND right(def.text, length(def.tail)) = def.tail
                                THEN substr(def.text, length(def.head) + 1, length(def.text)
                                            - length(def.head) - length(def.tail)) END,
                   'sign', md5(concat_ws(' ', s.stxkeys, s.stxkind, s.stxexprs)),
                   'comment', obj_description(s.oid, 'pg_statistic_ext')) ORDER BY s.stxname)
        FROM pg_statistic_ext AS s
        JOIN pg_namespace AS sn ON sn.oid = s.stxnamespace
        CROSS JOIN LATERAL (
            SELECT pg_get_statisticsobjdef(s.oid),
                   format('CREATE STATISTICS %I.%I', sn.nspname, s.stxname),
                   format(' FROM %I.%I', n.nspname, c.relname)) AS def(text, head, tail)
        WHERE s.stxrelid = c.oid), '[]'))::text
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p')
  AND c.relpersistence <> 't'
  AND n.nspname = ANY ($1)
  AND NOT EXISTS (
      SELECT FROM unnest($2::text[], $3::text[]) AS excluded(schema, name)
      WHERE excluded.schema = n.nspname AND excluded.name = c.relname)
  AND NOT EXISTS (
      SELECT FROM pg_depend AS e
      WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e')
ORDER BY n.nspname, c.relname
