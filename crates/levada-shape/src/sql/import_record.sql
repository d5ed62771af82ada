INSERT INTO levada.import AS i (name, definition_hash, rows, loaded_at, edition, changed_at)
VALUES ($1, $2, $3, clock_timestamp(), $4, clock_timestamp())
ON CONFLICT (name) DO UPDATE SET
    definition_hash = excluded.definition_hash,
    rows            = excluded.rows,
    loaded_at       = excluded.loaded_at,
    edition         = excluded.edition,
    changed_at      = CASE WHEN $5 THEN excluded.changed_at ELSE i.changed_at END
