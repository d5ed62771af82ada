SELECT pg_describe_object('pg_class'::regclass, c.oid, a.attnum), t.typname::text
FROM pg_attribute AS a
JOIN pg_class AS c ON c.oid = a.attrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_type AS t ON t.oid = a.atttypid
WHERE n.nspname = ANY ($1)
  AND c.relkind = 'r'
  AND a.attnum > 0
  AND NOT a.attisdropped
  AND ltrim(t.typname, '_') IN (
      'regclass', 'regcollation', 'regconfig', 'regdictionary', 'regnamespace', 'regoper',
      'regoperator', 'regproc', 'regprocedure', 'regtype')
  AND t.typnamespace = 'pg_catalog'::regnamespace
ORDER BY 1
