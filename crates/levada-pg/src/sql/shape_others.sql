-- Kinds whose changes are not followed: it is enough to know that there was one.
SELECT jsonb_build_object('kind', o.kind, 'name', o.name, 'definition',
    concat(o.definition, ' comment ' || quote_nullable((
        SELECT string_agg(concat(d.objsubid, ' ', d.description), ' ' ORDER BY d.objsubid)
        FROM pg_description AS d WHERE d.classoid = o.class AND d.objoid = o.oid))))::text
FROM (
    SELECT 'pg_namespace'::regclass::oid, n.oid, 'schema', quote_ident(n.nspname), n.nspname, ''
    FROM pg_namespace AS n
    UNION ALL
    SELECT 'pg_type'::regclass::oid, t.oid, 'type', format('%I.%I', n.nspname, t.typname),
           n.nspname, CASE t.typtype
               WHEN 'd' THEN concat_ws(' ', 'domain', format_type(t.typbasetype, t.typtypmod),
                   t.typcollation, t.typnotnull, t.typdefault, (
                       SELECT string_agg(concat_ws(' ', k.conname, pg_get_constraintdef(k.oid)),
                                         ', ' ORDER BY k.conname)
                       FROM pg_constraint AS k WHERE k.contypid = t.oid AND k.contype <> 'n'))
               WHEN 'c' THEN (
                   SELECT concat('composite ', string_agg(concat_ws(' ', a.attname,
                              format_type(a.atttypid, a.atttypmod), a.attcollation),
                              ', ' ORDER BY a.attnum))
                   FROM pg_attribute AS a
                   WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped)
               WHEN 'r' THEN (
                   SELECT concat_ws(' ', 'range', r.rngsubtype::regtype, r.rngsubopc,
                                    r.rngcollation, r.rngcanonical, r.rngsubdiff)
                   FROM pg_range AS r WHERE r.rngtypid = t.oid)
               ELSE concat_ws(' ', 'base', t.typinput, t.typoutput) END
    FROM pg_type AS t
    JOIN pg_namespace AS n ON n.oid = t.typnamespace
    LEFT JOIN pg_class AS c ON c.oid = t.typrelid
    WHERE t.typcategory <> 'A'
      AND (t.typtype IN ('b', 'd', 'r') OR t.typtype = 'c' AND c.relkind = 'c')
    UNION ALL
    SELECT 'pg_collation'::regclass::oid, l.oid, 'collation', l.oid::regcollation::text, n.nspname,
           concat_ws(' ', l.collprovider, l.collisdeterministic, l.collcollate, l.collctype,
                     to_jsonb(l) ->> 'colllocale', to_jsonb(l) ->> 'colliculocale',
                     to_jsonb(l) ->> 'collicurules')
    FROM pg_collation AS l
    JOIN pg_namespace AS n ON n.oid = l.collnamespace
    UNION ALL
    SELECT 'pg_operator'::regclass::oid, o.oid, 'operator', o.oid::regoperator::text, n.nspname,
           concat_ws(' ', o.oprcode, o.oprresult::regtype, o.oprcom::regoperator,
                     o.oprnegate::regoperator, o.oprcanmerge, o.oprcanhash, o.oprrest, o.oprjoin)
    FROM pg_operator AS o
    JOIN pg_namespace AS n ON n.oid = o.oprnamespace
    UNION ALL
    SELECT 'pg_opclass'::regclass::oid, o.oid, 'operator class',
           format('%I.%I %s', n.nspname, o.opcname, o.opcmethod), n.nspname,
           concat_ws(' ', o.opcfamily, o.opcintype::regtype, o.opcdefault)
    FROM pg_opclass AS o
    JOIN pg_namespace AS n ON n.oid = o.opcnamespace
    UNION ALL
    SELECT 'pg_opfamily'::regclass::oid, o.oid, 'operator family',
           format('%I.%I %s', n.nspname, o.opfname, o.opfmethod), n.nspname, (
               SELECT string_agg(m.text, ', ' ORDER BY m.text)
               FROM (SELECT concat_ws(' ', a.amopopr::regoperator, a.amopstrategy)
                     FROM pg_amop AS a WHERE a.amopfamily = o.oid
                     UNION ALL
                     SELECT concat_ws(' ', p.amproc, p.amprocnum)
                     FROM pg_amproc AS p WHERE p.amprocfamily = o.oid) AS m(text))
    FROM pg_opfamily AS o
    JOIN pg_namespace AS n ON n.oid = o.opfnamespace
    UNION ALL
    SELECT 'pg_ts_config'::regclass::oid, c.oid, 'text search configuration',
           c.oid::regconfig::text, n.nspname, concat(c.cfgparser, ' ', (
               SELECT string_agg(concat_ws(' ', m.maptokentype, m.mapseqno,
                                           m.mapdict::regdictionary), ', '
                                 ORDER BY m.maptokentype, m.mapseqno)
               FROM pg_ts_config_map AS m WHERE m.mapcfg = c.oid))
    FROM pg_ts_config AS c
    JOIN pg_namespace AS n ON n.oid = c.cfgnamespace
    UNION ALL
    SELECT 'pg_ts_dict'::regclass::oid, d.oid, 'text search dictionary',
           d.oid::regdictionary::text, n.nspname, concat_ws(' ', d.dicttemplate, d.dictinitoption)
    FROM pg_ts_dict AS d
    JOIN pg_namespace AS n ON n.oid = d.dictnamespace
    UNION ALL
    SELECT 'pg_conversion'::regclass::oid, v.oid, 'conversion',
           format('%I.%I', n.nspname, v.conname), n.nspname, v.conproc::text
    FROM pg_conversion AS v
    JOIN pg_namespace AS n ON n.oid = v.connamespace
    UNION ALL
    SELECT 'pg_cast'::regclass::oid, k.oid, 'cast',
           format('%s AS %s', format_type(k.castsource, NULL), format_type(k.casttarget, NULL)),
           NULL, concat_ws(' ', k.castfunc::regprocedure, k.castcontext, k.castmethod)
    FROM pg_cast AS k
    WHERE k.oid >= 16384
    UNION ALL
    SELECT 'pg_extension'::regclass::oid, e.oid, 'extension', quote_ident(e.extname), NULL,
           format('in %I', n.nspname)
    FROM pg_extension AS e
    JOIN pg_namespace AS n ON n.oid = e.extnamespace
) AS o(class, oid, kind, name, schema, definition)
WHERE (o.schema IS NULL OR o.schema = ANY ($1))
  AND NOT EXISTS (
      SELECT FROM pg_depend AS e
      WHERE e.classid = o.class AND e.objid = o.oid AND e.deptype = 'e')
ORDER BY o.kind, o.name
