SELECT schema_name, table_name, mode, format, reason
FROM levada.table_state
WHERE edition = $1
ORDER BY schema_name, table_name
