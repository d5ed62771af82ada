-- Staging tables of imports.
SELECT relname::text
FROM pg_catalog.pg_class
WHERE relkind = 'r'
  AND relnamespace = (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = 'levada')
  AND relname ~ '^import_next_[0-9]+$'
ORDER BY relname
