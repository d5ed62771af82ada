INSERT INTO levada.rollup AS r
    (name, schema_name, definition_hash, calendar, zone, grain, edition, as_of, closed_bucket,
     closed_through, changed_in, settles_by, sources, layout)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8::text::timestamptz, $9, $10::text::timestamptz, $7,
        $12, $13, $14::text::jsonb)
ON CONFLICT (name) DO UPDATE
SET schema_name = $2,
    definition_hash = $3,
    calendar = $4,
    zone = $5,
    grain = $6,
    settles_by = $12,
    sources = $13,
    layout = $14::text::jsonb,
    edition = $7,
    as_of = $8::text::timestamptz,
    closed_bucket = $9,
    closed_through = $10::text::timestamptz,
    version = r.version + $11::boolean::int,
    changed_in = CASE WHEN $11 THEN $7 ELSE r.changed_in END,
    computed_at = CASE WHEN $11 THEN clock_timestamp() ELSE r.computed_at END
