-- One number for all that definitions are made of. It may change although no definition did, but
-- never the other way round.
WITH relation AS MATERIALIZED (
    SELECT c.*
    FROM pg_class AS c
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname = ANY ($1)
      AND c.relpersistence <> 't'
      AND c.relkind IN ('r', 'p', 'v', 'm', 'S', 'c', 'f')
), line(text) AS (
    SELECT concat_ws(' ', 'class', oid, relname, relnamespace, relkind, relpersistence, reltype,
                     reloftype, reloptions, relispartition, relpartbound, relam)
    FROM relation
    UNION ALL
    SELECT concat_ws(' ', 'column', a.attrelid, a.attnum, a.attname, a.atttypid, a.atttypmod,
                     a.attcollation, a.attnotnull, a.attidentity, a.attgenerated,
                     a.attisdropped, a.attislocal, a.attmissingval)
    FROM pg_attribute AS a
    JOIN relation AS r ON r.oid = a.attrelid
    WHERE a.attnum > 0
    UNION ALL
    SELECT concat_ws(' ', 'default', d.adrelid, d.adnum, d.adbin)
    FROM pg_attrdef AS d
    JOIN relation AS r ON r.oid = d.adrelid
    UNION ALL
    SELECT 'constraint ' || k::text
    FROM pg_constraint AS k
    -- Those of temporary tables come and go.
    WHERE k.contypid >= 16384 OR k.conrelid IN (SELECT r.oid FROM relation AS r)
    UNION ALL
    SELECT concat_ws(' ', 'index', i::text, c.relname, c.reloptions, c.relam)
    FROM pg_index AS i
    JOIN relation AS r ON r.oid = i.indrelid
    JOIN pg_class AS c ON c.oid = i.indexrelid
    UNION ALL
    SELECT concat_ws(' ', 'rule', w.ev_class, w.rulename, w.ev_type, w.ev_action)
    FROM pg_rewrite AS w
    JOIN relation AS r ON r.oid = w.ev_class
    UNION ALL
    SELECT concat_ws(' ', 'inherits', h.inhrelid, h.inhparent, h.inhseqno)
    FROM pg_inherits AS h
    JOIN relation AS r ON r.oid = h.inhrelid
    UNION ALL
    SELECT concat_ws(' ', 'index inherits', h.inhrelid, h.inhparent)
    FROM pg_inherits AS h
    JOIN pg_index AS i ON i.indexrelid = h.inhrelid
    JOIN relation AS r ON r.oid = i.indrelid
    UNION ALL
    SELECT 'partitioned ' || p::text
    FROM pg_partitioned_table AS p
    JOIN relation AS r ON r.oid = p.partrelid
    UNION ALL
    SELECT 'sequence ' || s::text FROM pg_sequence AS s JOIN relation AS r ON r.oid = s.seqrelid
    UNION ALL
    SELECT concat_ws(' ', 'owner', d.objid, d.refobjid, d.refobjsubid, d.deptype)
    FROM pg_depend AS d
    JOIN relation AS r ON r.oid = d.objid AND r.relkind = 'S'
    WHERE d.classid = 'pg_class'::regclass
    UNION ALL
    SELECT concat_ws(' ', 'member', d.classid, d.objid, d.refobjid)
    FROM pg_depend AS d
    WHERE d.deptype = 'e'
    UNION ALL
    SELECT concat_ws(' ', 'statistics', s.oid, s.stxrelid, s.stxname, s.stxnamespace, s.stxkeys,
                     s.stxkind, s.stxexprs)
    FROM pg_statistic_ext AS s
    UNION ALL
    SELECT concat_ws(' ', 'routine', p::text) FROM pg_proc AS p WHERE p.oid >= 16384
    UNION ALL
    SELECT 'aggregate ' || a::text FROM pg_aggregate AS a WHERE a.aggfnoid >= 16384
    UNION ALL
    SELECT 'enum ' || e::text FROM pg_enum AS e
    UNION ALL
    -- The types of toast tables and of temporary ones come and go.
    SELECT concat_ws(' ', 'type', t.oid, t.typname, t.typnamespace, t.typtype, t.typbasetype,
                     t.typtypmod, t.typnotnull, t.typcollation, t.typdefault)
    FROM pg_type AS t
    WHERE t.oid >= 16384 AND t.typtype <> 'c' AND t.typcategory <> 'A'
    UNION ALL
    SELECT 'range ' || r::text FROM pg_range AS r WHERE r.rngtypid >= 16384
    UNION ALL
    SELECT 'comment ' || d::text FROM pg_description AS d WHERE d.objoid >= 16384
    UNION ALL
    SELECT concat_ws(' ', 'schema', n.oid, n.nspname)
    FROM pg_namespace AS n
    WHERE n.nspname NOT LIKE 'pg\_%'
    UNION ALL
    SELECT concat_ws(' ', 'extension', e.oid, e.extname, e.extnamespace, e.extversion)
    FROM pg_extension AS e
    UNION ALL
    SELECT 'collation ' || c::text FROM pg_collation AS c WHERE c.oid >= 16384
    UNION ALL
    SELECT 'cast ' || c::text FROM pg_cast AS c WHERE c.oid >= 16384
    UNION ALL
    SELECT 'operator ' || o::text FROM pg_operator AS o WHERE o.oid >= 16384
    UNION ALL
    SELECT 'class ' || o::text FROM pg_opclass AS o WHERE o.oid >= 16384
    UNION ALL
    SELECT 'family ' || o::text FROM pg_opfamily AS o WHERE o.oid >= 16384
    UNION ALL
    SELECT 'member operator ' || o::text FROM pg_amop AS o WHERE o.oid >= 16384
    UNION ALL
    SELECT 'member routine ' || o::text FROM pg_amproc AS o WHERE o.oid >= 16384
    UNION ALL
    SELECT 'conversion ' || c::text FROM pg_conversion AS c WHERE c.oid >= 16384
    UNION ALL
    SELECT 'text search ' || c::text FROM pg_ts_config AS c WHERE c.oid >= 16384
    UNION ALL
    SELECT 'text search map ' || m::text FROM pg_ts_config_map AS m WHERE m.mapcfg >= 16384
    UNION ALL
    SELECT 'text search dictionary ' || d::text FROM pg_ts_dict AS d WHERE d.oid >= 16384
)
SELECT concat(count(*), ':', sum(hashtextextended(line.text COLLATE "C", 0)))
FROM line
