-- Whether edition $1 holds the relation $2. It records no tables of extensions, and of partitions
-- the root.
SELECT EXISTS (
    SELECT
    FROM pg_catalog.pg_depend AS d
    WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
      AND d.objid = pg_catalog.to_regclass($2) AND d.deptype = 'e'
) OR EXISTS (
    SELECT
    FROM levada.edition AS e
    WHERE e.number = $1
      AND e.objects && (
          SELECT pg_catalog.array_append(
                     pg_catalog.array_agg(pg_catalog.format(
                         '"%s"."%s"', pg_catalog.replace(n.nspname, '"', '""'),
                         pg_catalog.replace(c.relname, '"', '""'))), $2)
          FROM pg_catalog.pg_partition_ancestors(pg_catalog.to_regclass($2)) AS a(oid)
          JOIN pg_catalog.pg_class AS c ON c.oid = a.oid
          JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace)
)
