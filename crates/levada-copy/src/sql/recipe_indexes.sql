SELECT ins.nspname::text AS index_schema,
       ic.relname::text AS index_name,
       tns.nspname::text AS table_schema,
       tc.relname::text AS table_name,
       tc.relkind = 'p' AS is_partitioned,
       tc.relkind = 'm' AS is_view,
       pg_get_indexdef(i.indexrelid) AS definition,
       -- Sorting text costs about three times as much as sorting numbers.
       (SELECT sum(CASE WHEN key.oid <> 0 THEN 3 ELSE 1 END)
        FROM unnest(i.indcollation) AS key(oid))::bigint AS cost,
       pins.nspname::text AS parent_schema,
       pic.relname::text AS parent_name,
       CASE WHEN tc.relkind = 'p' THEN
           (SELECT count(*) FROM pg_partition_ancestors(tc.oid)) ELSE 0 END::int AS depth,
       k.conname::text AS constraint_name,
       pg_get_constraintdef(k.oid) AS constraint_definition,
       coalesce(k.contype IN ('p', 'u') AND am.amname = 'btree', false) AS builds_apart,
       CASE k.contype WHEN 'p' THEN 'PRIMARY KEY' ELSE 'UNIQUE' END AS constraint_kind,
       coalesce(k.condeferrable, false) AS is_deferrable,
       coalesce(k.condeferred, false) AS is_deferred
FROM pg_index AS i
JOIN pg_class AS ic ON ic.oid = i.indexrelid
JOIN pg_namespace AS ins ON ins.oid = ic.relnamespace
JOIN pg_am AS am ON am.oid = ic.relam
JOIN pg_class AS tc ON tc.oid = i.indrelid
JOIN pg_namespace AS tns ON tns.oid = tc.relnamespace
LEFT JOIN pg_constraint AS k ON k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x')
LEFT JOIN pg_inherits AS h ON h.inhrelid = i.indexrelid
LEFT JOIN pg_class AS pic ON pic.oid = h.inhparent
LEFT JOIN pg_namespace AS pins ON pins.oid = pic.relnamespace
WHERE tns.nspname = ANY ($1)
  AND NOT EXISTS (
      SELECT FROM pg_depend AS d
      WHERE d.classid = 'pg_class'::regclass AND d.objid = tc.oid AND d.deptype = 'e')
ORDER BY tns.nspname, tc.relname, ic.relname
