SELECT number, stage, category, schema_name, table_name, references_schema, references_table,
       object, statement, undo, volume, weight,
       state = 'done' AS is_done
FROM levada.step
WHERE edition = $1
ORDER BY number
