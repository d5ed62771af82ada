SELECT a.attcollation = 0 AND r.reltuples >= 500000
FROM pg_constraint AS k
JOIN pg_class AS c ON c.oid = k.conrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = k.conkey[1]
JOIN pg_class AS r ON r.oid = k.confrelid
WHERE n.nspname = $1
  AND c.relname = $2
  AND k.conname = $3
