SELECT c.oid, n.nspname::text AS schema, c.relname::text AS name, owner.rolname::text AS owner,
       c.relowner = (SELECT oid FROM pg_roles WHERE rolname = current_user) AS is_own
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_roles AS owner ON owner.oid = c.relowner
WHERE c.oid = ANY ($1) AND c.relkind IN ('r', 'p', 'f')
