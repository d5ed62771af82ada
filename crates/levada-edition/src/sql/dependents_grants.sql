SELECT g.oid, n.nspname::text AS schema, c.relname::text AS name, g.column_name,
       format('GRANT %s%s ON %I.%I TO %s%s', g.privilege,
              CASE WHEN g.column_name IS NOT NULL
                   THEN format(' (%I)', g.column_name) ELSE '' END,
              n.nspname, c.relname,
              CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(r.rolname) END,
              CASE WHEN g.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END) AS statement
FROM (
    SELECT c.oid, NULL::text, acl.privilege_type, acl.grantee, acl.is_grantable
    FROM pg_class AS c
    CROSS JOIN LATERAL aclexplode(c.relacl) AS acl
    UNION ALL
    SELECT a.attrelid, a.attname::text, acl.privilege_type, acl.grantee, acl.is_grantable
    FROM pg_attribute AS a
    CROSS JOIN LATERAL aclexplode(a.attacl) AS acl
    WHERE a.attacl IS NOT NULL AND NOT a.attisdropped
) AS g(oid, column_name, privilege, grantee, is_grantable)
JOIN pg_class AS c ON c.oid = g.oid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
LEFT JOIN pg_roles AS r ON r.oid = g.grantee
WHERE g.oid = ANY ($1) AND g.grantee <> c.relowner
ORDER BY 2, 3, 4 NULLS FIRST, 5
