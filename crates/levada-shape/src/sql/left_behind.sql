-- What was dropped by hand is forgotten.
WITH known AS (
    SELECT t.schema_name, t.table_name, t.kind,
           pg_catalog.to_regclass(format('%I.%I', t.schema_name, t.table_name)) AS found
    FROM levada.report_table AS t
    WHERE t.kind IN ('import', 'rollup', 'total')
      AND (t.schema_name <> $1 OR NOT t.table_name = ANY ($2))
), forgotten AS (
    DELETE FROM levada.report_table AS t
    USING known AS k
    WHERE k.found IS NULL AND t.schema_name = k.schema_name AND t.table_name = k.table_name
)
SELECT schema_name, table_name, kind
FROM known
WHERE found IS NOT NULL
ORDER BY schema_name, table_name
