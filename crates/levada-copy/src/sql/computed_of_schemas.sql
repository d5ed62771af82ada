-- Tables that are computed with the edition and have columns of its types.
SELECT DISTINCT r.schema_name, r.table_name
FROM levada.report_table AS r
JOIN pg_namespace AS n ON n.nspname = r.schema_name
JOIN pg_class AS c ON c.relnamespace = n.oid AND c.relname = r.table_name
JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_type AS t ON t.oid = a.atttypid
JOIN pg_namespace AS s ON s.oid = t.typnamespace
WHERE s.nspname = ANY ($1)
