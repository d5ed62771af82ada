SELECT c.relfilenode,
       c.relfilenode = pg_catalog.pg_relation_filenode(c.oid)
       AND pg_catalog.to_regclass(@name@)::oid = c.oid
       AND NOT EXISTS (
           SELECT
           FROM ROWS FROM (
               pg_catalog.unnest('{@columns@}'::pg_catalog.int2[]),
               pg_catalog.unnest(ARRAY[@names@]::pg_catalog.text[])) AS k(number, name)
           WHERE CASE
               WHEN pg_catalog.has_column_privilege(c.oid, k.number, 'SELECT') IS NULL THEN true
               ELSE k.name <> (pg_catalog.pg_identify_object_as_address(
                   'pg_catalog.pg_class'::pg_catalog.regclass, c.oid, k.number)).object_names[3]
               END)
FROM pg_catalog.pg_class AS c
WHERE c.oid = @oid@
