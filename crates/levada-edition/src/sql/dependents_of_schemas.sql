SELECT o.class, o.object, false AS is_view
FROM (
    SELECT 'pg_class'::regclass::oid, oid, relnamespace FROM pg_class
    UNION ALL
    SELECT 'pg_type'::regclass::oid, oid, typnamespace FROM pg_type
    UNION ALL
    SELECT 'pg_proc'::regclass::oid, oid, pronamespace FROM pg_proc
    UNION ALL
    SELECT 'pg_operator'::regclass::oid, oid, oprnamespace FROM pg_operator
    UNION ALL
    SELECT 'pg_opclass'::regclass::oid, oid, opcnamespace FROM pg_opclass
    UNION ALL
    SELECT 'pg_opfamily'::regclass::oid, oid, opfnamespace FROM pg_opfamily
    UNION ALL
    SELECT 'pg_collation'::regclass::oid, oid, collnamespace FROM pg_collation
    UNION ALL
    SELECT 'pg_conversion'::regclass::oid, oid, connamespace FROM pg_conversion
    UNION ALL
    SELECT 'pg_ts_config'::regclass::oid, oid, cfgnamespace FROM pg_ts_config
    UNION ALL
    SELECT 'pg_ts_dict'::regclass::oid, oid, dictnamespace FROM pg_ts_dict
    UNION ALL
    SELECT 'pg_statistic_ext'::regclass::oid, oid, stxnamespace FROM pg_statistic_ext
) AS o(class, object, schema)
JOIN pg_namespace AS n ON n.oid = o.schema
WHERE n.nspname = ANY ($1)
  -- What belongs to an extension moves with it.
  AND NOT EXISTS (
      SELECT FROM pg_depend AS e
      WHERE e.deptype = 'e' AND e.classid = o.class AND e.objid = o.object)
