SELECT format('GRANT %s ON SCHEMA %I TO %s%s', acl.privilege_type, $2::text,
              CASE acl.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(r.rolname) END,
              CASE WHEN acl.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
FROM pg_namespace AS n
CROSS JOIN LATERAL aclexplode(n.nspacl) AS acl
LEFT JOIN pg_roles AS r ON r.oid = acl.grantee
WHERE n.nspname = $1 AND acl.grantee <> n.nspowner
UNION ALL
SELECT format('GRANT %s ON %s %I.%I TO %s%s', acl.privilege_type,
              CASE c.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, $2::text, c.relname,
              CASE acl.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(r.rolname) END,
              CASE WHEN acl.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
CROSS JOIN LATERAL aclexplode(c.relacl) AS acl
LEFT JOIN pg_roles AS r ON r.oid = acl.grantee
WHERE n.nspname = $1
  AND acl.grantee <> c.relowner
  AND EXISTS (
      SELECT FROM pg_class AS new
      JOIN pg_namespace AS nn ON nn.oid = new.relnamespace
      WHERE nn.nspname = $2 AND new.relname = c.relname AND new.relkind = c.relkind)
