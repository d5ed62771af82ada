SELECT schema_name || '.' || table_name AS name, mode, method, reason, rows,
       inserted, updated, deleted, count(*) OVER () AS tables
FROM levada.table_state
WHERE edition = (SELECT max(number) FROM levada.edition WHERE state = 'published')
ORDER BY inserted + updated + deleted DESC, name
LIMIT $1
