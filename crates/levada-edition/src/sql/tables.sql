SELECT schema_name, table_name, mode, format, reason, source_oid, filter, deletes, rows, method,
       inserted, updated, deleted
FROM levada.table_state
WHERE edition = $1
ORDER BY schema_name, table_name
