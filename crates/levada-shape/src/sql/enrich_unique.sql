SELECT
FROM pg_catalog.pg_index AS i
JOIN pg_catalog.pg_class AS c ON c.oid = i.indrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = $1 AND c.relname = $2
  AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL
  AND (SELECT pg_catalog.array_agg(a.attname::text)
       FROM pg_catalog.unnest(i.indkey::int2[]) WITH ORDINALITY AS k(number, place)
       JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = k.number
       WHERE k.place <= i.indnkeyatts) <@ $3::text[]
LIMIT 1
