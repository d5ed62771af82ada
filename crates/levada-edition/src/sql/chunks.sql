SELECT schema_name, table_name, number, first_page, end_page, state = 'done' AS is_done,
       rows, bytes, snapshot, filenode
FROM levada.chunk
WHERE edition = $1
ORDER BY schema_name, table_name, number
