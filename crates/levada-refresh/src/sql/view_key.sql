SELECT 1
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_index AS i ON i.indrelid = c.oid
WHERE n.nspname = $1
  AND c.relname = $2
  AND c.relispopulated
  AND i.indisunique
  AND i.indisvalid
  AND i.indimmediate
  AND i.indpred IS NULL
  AND 0 <> ALL (i.indkey[:i.indnkeyatts - 1])
LIMIT 1
