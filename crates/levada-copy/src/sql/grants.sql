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
UNION ALL
SELECT format('GRANT %s (%I) ON TABLE %I.%I TO %s%s', acl.privilege_type, a.attname, $2::text,
              c.relname,
              CASE acl.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(r.rolname) END,
              CASE WHEN acl.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_attribute AS a ON a.attrelid = c.oid AND NOT a.attisdropped
CROSS JOIN LATERAL aclexplode(a.attacl) AS acl
LEFT JOIN pg_roles AS r ON r.oid = acl.grantee
WHERE n.nspname = $1
  AND acl.grantee <> c.relowner
  AND EXISTS (
      SELECT FROM pg_attribute AS na
      JOIN pg_class AS new ON new.oid = na.attrelid
      JOIN pg_namespace AS nn ON nn.oid = new.relnamespace
      WHERE nn.nspname = $2 AND new.relname = c.relname AND new.relkind = c.relkind
        AND na.attname = a.attname AND NOT na.attisdropped)
UNION ALL
-- What the schema grants on objects to come: for those, and for what only the new edition has.
SELECT format('ALTER DEFAULT PRIVILEGES FOR ROLE %I IN SCHEMA %I GRANT %s ON %s TO %s%s',
              owner.rolname, $2::text, acl.privilege_type,
              CASE d.defaclobjtype WHEN 'r' THEN 'TABLES' WHEN 'S' THEN 'SEQUENCES'
                                   WHEN 'f' THEN 'FUNCTIONS' ELSE 'TYPES' END,
              CASE acl.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(r.rolname) END,
              CASE WHEN acl.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
FROM pg_default_acl AS d
JOIN pg_namespace AS n ON n.oid = d.defaclnamespace
JOIN pg_roles AS owner ON owner.oid = d.defaclrole
CROSS JOIN LATERAL aclexplode(d.defaclacl) AS acl
LEFT JOIN pg_roles AS r ON r.oid = acl.grantee
WHERE n.nspname = $1
  AND acl.grantee <> d.defaclrole
  AND pg_has_role(d.defaclrole, 'MEMBER')
UNION ALL
SELECT format('GRANT %s ON %s %I.%I TO %s%s', acl.privilege_type,
              CASE c.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, $2::text, c.relname,
              CASE acl.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(r.rolname) END,
              CASE WHEN acl.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
FROM pg_default_acl AS d
JOIN pg_namespace AS n ON n.oid = d.defaclnamespace
CROSS JOIN LATERAL aclexplode(d.defaclacl) AS acl
LEFT JOIN pg_roles AS r ON r.oid = acl.grantee
JOIN pg_namespace AS nn ON nn.nspname = $2
JOIN pg_class AS c ON c.relnamespace = nn.oid
WHERE n.nspname = $1
  AND acl.grantee <> d.defaclrole
  AND d.defaclrole = (SELECT oid FROM pg_roles WHERE rolname = current_user)
  AND CASE d.defaclobjtype WHEN 'S' THEN c.relkind = 'S'
                           WHEN 'r' THEN c.relkind IN ('r', 'p', 'v', 'm', 'f') ELSE false END
  AND NOT EXISTS (
      SELECT FROM pg_class AS old WHERE old.relnamespace = n.oid AND old.relname = c.relname)
