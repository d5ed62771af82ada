SELECT c.relfilenode,
       c.relfilenode = pg_catalog.pg_relation_filenode(c.oid)
       AND pg_catalog.to_regclass(@name@)::oid = c.oid
       AND NOT EXISTS (
           SELECT
           FROM pg_catalog.unnest('{@columns@}'::pg_catalog.int2[]) AS number
           WHERE pg_catalog.has_column_privilege(c.oid, number, 'SELECT') IS NULL)
FROM pg_catalog.pg_class AS c
WHERE c.oid = @oid@
