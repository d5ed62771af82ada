INSERT INTO levada.report_window AS w
    (name, definition_hash, lower_bound, upper_bound, rows, edition, version, changed_in)
VALUES ($1, $2, ($3::text)::timestamptz, ($4::text)::timestamptz, $5, $6, 1, $6)
ON CONFLICT (name) DO UPDATE SET
    definition_hash = excluded.definition_hash,
    lower_bound = excluded.lower_bound,
    upper_bound = excluded.upper_bound,
    rows = excluded.rows,
    edition = excluded.edition,
    version = w.version + CASE WHEN $7 THEN 1 ELSE 0 END,
    changed_in = CASE WHEN $7 THEN excluded.changed_in ELSE w.changed_in END
