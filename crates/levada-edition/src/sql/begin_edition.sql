WITH edition AS (
    INSERT INTO levada.edition (state, placement, fingerprint, source, schemas, replaces)
    VALUES ('building', $1, $2, $3, $4, $6)
    RETURNING number
), run AS (
    UPDATE levada.run SET edition = (SELECT number FROM edition) WHERE number = $5
)
SELECT number FROM edition
