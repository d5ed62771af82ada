SELECT r.schema_name, r.table_name, w.edition
FROM levada.report_table AS r
JOIN pg_catalog.pg_namespace AS n ON n.nspname = r.schema_name
JOIN pg_catalog.pg_class AS c ON c.relnamespace = n.oid AND c.relname = r.table_name
LEFT JOIN levada.report_window AS w ON w.name = r.table_name
WHERE r.kind = 'window' AND NOT (r.schema_name = $1 AND r.table_name = ANY ($2))
ORDER BY 1, 2
