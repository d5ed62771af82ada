INSERT INTO levada.edition
    (state, placement, fingerprint, source, schemas, definitions, objects,
     as_of, snapshot, lsn, is_durable, base, shape, shape_hash, published_at)
SELECT 'published', 'direct', $2, $3, schemas, definitions, $4,
       ($5::text)::timestamptz, $6, $7, $10, number, $8, $9, clock_timestamp()
FROM levada.edition
WHERE number = $1
RETURNING number
