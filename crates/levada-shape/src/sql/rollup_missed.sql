SELECT EXISTS (
    SELECT
    FROM levada.rollup AS r
    JOIN levada.edition AS e ON e.number = $2
    WHERE r.name = $1 AND r.edition IS DISTINCT FROM e.base
)
