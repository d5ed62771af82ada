-- Of the keys: how to drop each, and how to add those again whose table does not go as well.
SELECT tn.nspname::text AS schema,
       t.relname::text AS table_name,
       k.conname::text AS name,
       k.conrelid = ANY ($2) AS goes,
       t.relkind = 'p' AS is_partitioned,
       pg_has_role(t.relowner, 'USAGE') AS may_alter,
       owner.rolname::text AS owner,
       current_user::text AS role,
       regexp_replace(pg_get_constraintdef(k.oid), ' NOT VALID$', '') AS definition,
       obj_description(k.oid, 'pg_constraint') AS comment
FROM pg_constraint AS k
JOIN pg_class AS t ON t.oid = k.conrelid
JOIN pg_namespace AS tn ON tn.oid = t.relnamespace
JOIN pg_roles AS owner ON owner.oid = t.relowner
WHERE k.oid = ANY ($1) AND k.conrelid <> k.confrelid
ORDER BY 1, 2, 3
