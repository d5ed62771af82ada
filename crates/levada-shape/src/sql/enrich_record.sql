INSERT INTO levada.enrichment (name, kind, schema_name, object_name, definition, checked_in)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (name, kind, schema_name) DO UPDATE
SET object_name = excluded.object_name, definition = excluded.definition,
    checked_in = excluded.checked_in
