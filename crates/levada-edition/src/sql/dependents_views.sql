SELECT c.oid,
       n.nspname::text AS schema,
       c.relname::text AS name,
       c.relkind = 'm' AS is_materialized,
       c.relispopulated AS is_populated,
       owner.rolname::text AS owner,
       current_user::text AS role,
       pg_has_role(c.relowner, 'USAGE') AND pg_has_role(c.relowner, 'MEMBER') AS may_own,
       regexp_replace(pg_get_viewdef(c.oid), ';\s*$', '') AS definition,
       (SELECT string_agg(format('%s=%L', o.option_name, o.option_value), ', ')
        FROM pg_options_to_table(c.reloptions) AS o) AS options,
       ARRAY (
           -- Directly, or through the type of its rows.
           SELECT DISTINCT coalesce(t.typrelid, d.refobjid)
           FROM pg_rewrite AS w
           JOIN pg_depend AS d ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid
           LEFT JOIN pg_type AS t ON d.refclassid = 'pg_type'::regclass AND t.oid = d.refobjid
           WHERE w.ev_class = c.oid
             AND d.refclassid IN ('pg_class'::regclass, 'pg_type'::regclass)
             AND coalesce(t.typrelid, d.refobjid) NOT IN (0, c.oid)) AS reads
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_roles AS owner ON owner.oid = c.relowner
WHERE c.oid = ANY ($1)
ORDER BY n.nspname, c.relname
