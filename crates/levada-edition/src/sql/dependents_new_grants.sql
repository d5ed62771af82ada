SELECT format('GRANT %s ON TABLE %I.%I TO %s%s', acl.privilege_type, n.nspname, c.relname,
              CASE acl.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(r.rolname) END,
              CASE WHEN acl.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
FROM unnest($1::text[], $2::text[]) AS wanted(schema, name)
JOIN pg_namespace AS n ON n.nspname = wanted.schema
JOIN pg_class AS c ON c.relnamespace = n.oid AND c.relname = wanted.name
JOIN pg_default_acl AS d ON d.defaclnamespace = n.oid AND d.defaclobjtype = 'r'
CROSS JOIN LATERAL aclexplode(d.defaclacl) AS acl
LEFT JOIN pg_roles AS r ON r.oid = acl.grantee
WHERE acl.grantee <> c.relowner
  AND d.defaclrole = c.relowner
