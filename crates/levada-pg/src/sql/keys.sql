SELECT i.indrelid AS table_oid,
       ic.relname::text AS name,
       i.indisprimary AS is_primary,
       i.indimmediate AS is_immediate,
       -- Unique among all rows, and never NULL: names exactly one row.
       i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL
           AND NOT EXISTS (
               SELECT FROM pg_attribute AS k
               WHERE k.attrelid = i.indrelid AND k.attnum = ANY (i.indkey[:i.indnkeyatts - 1])
                 AND NOT k.attnotnull)
           -- Enums under a domain have no operators to compare them with.
           AND NOT EXISTS (
               SELECT FROM pg_attribute AS k
               JOIN pg_type AS t ON t.oid = k.atttypid
               WHERE k.attrelid = i.indrelid AND k.attnum = ANY (i.indkey[:i.indnkeyatts - 1])
                 AND t.typtype = 'd' AND t.typcategory = 'E') AS is_usable,
       ARRAY (SELECT k.attname::text
              FROM unnest(i.indkey[:i.indnkeyatts - 1]) WITH ORDINALITY AS part(number, place)
              JOIN pg_attribute AS k ON k.attrelid = i.indrelid AND k.attnum = part.number
              ORDER BY part.place) AS columns
FROM pg_index AS i
JOIN pg_class AS ic ON ic.oid = i.indexrelid
JOIN pg_class AS c ON c.oid = i.indrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE (i.indisunique OR i.indisexclusion)
  AND c.relkind IN ('r', 'p')
  AND c.relpersistence <> 't'
  AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'levada')
  AND n.nspname NOT LIKE 'pg\_toast%'
ORDER BY i.indrelid, NOT i.indisprimary, ic.relname
