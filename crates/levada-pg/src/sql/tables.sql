SELECT c.oid,
       n.nspname::text AS schema,
       c.relname::text AS name,
       c.relkind AS kind,
       c.relfilenode AS filenode,
       coalesce(pg_relation_size(c.oid), 0) AS bytes,
       greatest(c.reltuples, 0)::float8 AS rows_estimate,
       coalesce(am.amname = 'heap', false) AS is_heap,
       has_schema_privilege(n.oid, 'USAGE')
           AND has_table_privilege(c.oid, 'SELECT') AS is_readable,
       row_security_active(c.oid) AS hides_rows,
       ARRAY (SELECT pn.nspname::text
              FROM pg_inherits AS i
              JOIN pg_class AS p ON p.oid = i.inhparent
              JOIN pg_namespace AS pn ON pn.oid = p.relnamespace
              WHERE i.inhrelid = c.oid
              ORDER BY i.inhseqno) AS parent_schemas,
       ARRAY (SELECT p.relname::text
              FROM pg_inherits AS i
              JOIN pg_class AS p ON p.oid = i.inhparent
              WHERE i.inhrelid = c.oid
              ORDER BY i.inhseqno) AS parent_names,
       routed.schema AS router_schema,
       routed.name AS router_name,
       coalesce(own.schemas, '{}') AS sequence_schemas,
       coalesce(own.names, '{}') AS sequence_names
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
LEFT JOIN pg_am AS am ON am.oid = c.relam
-- The hash of an enum's value is that of an object id, which differs in every database.
LEFT JOIN LATERAL (
    SELECT rn.nspname::text AS schema, r.relname::text AS name
    FROM pg_partition_ancestors(c.oid) WITH ORDINALITY AS a(oid, distance)
    JOIN pg_class AS r ON r.oid = a.oid
    JOIN pg_namespace AS rn ON rn.oid = r.relnamespace
    JOIN pg_partitioned_table AS p ON p.partrelid = a.oid AND p.partstrat = 'h'
    WHERE c.relkind = 'r'
      AND EXISTS (
          SELECT FROM unnest(p.partattrs) AS key(attnum)
          JOIN pg_attribute AS k ON k.attrelid = a.oid AND k.attnum = key.attnum
          JOIN pg_type AS t ON t.oid = k.atttypid
          LEFT JOIN pg_type AS b ON b.oid = t.typbasetype
          WHERE 'e' IN (t.typtype, b.typtype))
    ORDER BY a.distance DESC
    LIMIT 1) AS routed ON true
-- Sequences that serve this table alone.
LEFT JOIN LATERAL (
    SELECT array_agg(sn.nspname::text ORDER BY s.oid) AS schemas,
           array_agg(s.relname::text ORDER BY s.oid) AS names
    FROM pg_depend AS d
    JOIN pg_class AS s ON s.oid = d.objid AND s.relkind = 'S'
    JOIN pg_namespace AS sn ON sn.oid = s.relnamespace
    WHERE d.classid = 'pg_class'::regclass
      AND d.refclassid = 'pg_class'::regclass
      AND d.refobjid = c.oid
      AND d.refobjsubid > 0
      AND d.deptype IN ('a', 'i')
      AND NOT EXISTS (
          SELECT FROM pg_depend AS u
          JOIN pg_attrdef AS f ON u.classid = 'pg_attrdef'::regclass AND f.oid = u.objid
          WHERE u.refclassid = 'pg_class'::regclass
            AND u.refobjid = s.oid
            AND f.adrelid <> c.oid)) AS own ON true
WHERE c.relkind IN ('r', 'p', 'f')
  AND c.relpersistence <> 't'
  AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'levada')
  AND n.nspname NOT LIKE 'pg\_toast%'
  AND NOT EXISTS (
      SELECT FROM pg_depend AS d
      WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
ORDER BY n.nspname, c.relname
