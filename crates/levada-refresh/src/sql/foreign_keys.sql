WITH RECURSIVE concerned AS (
    SELECT c.oid
    FROM unnest($1::text[], $2::text[]) AS wanted(schema, name)
    JOIN pg_namespace AS n ON n.nspname = wanted.schema
    JOIN pg_class AS c ON c.relnamespace = n.oid AND c.relname = wanted.name
    UNION
    SELECT CASE WHEN i.inhrelid = t.oid THEN i.inhparent ELSE i.inhrelid END
    FROM concerned AS t
    JOIN pg_inherits AS i ON t.oid IN (i.inhrelid, i.inhparent)
)
SELECT n.nspname::text,
       t.relname::text,
       k.conname::text,
       pg_get_constraintdef(k.oid),
       obj_description(k.oid, 'pg_constraint')
FROM pg_constraint AS k
JOIN pg_class AS t ON t.oid = k.conrelid
JOIN pg_namespace AS n ON n.oid = t.relnamespace
WHERE k.contype = 'f'
  AND k.conparentid = 0
  AND (k.conrelid IN (SELECT oid FROM concerned) OR k.confrelid IN (SELECT oid FROM concerned))
ORDER BY 1, 2, 3
