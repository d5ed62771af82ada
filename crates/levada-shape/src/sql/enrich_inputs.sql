-- What relations read, through views of views, as the trees of their queries say: pg_depend knows
-- nothing of the system's own relations and functions.
WITH RECURSIVE seen(oid) AS (
    SELECT pg_catalog.unnest($1::oid[])
    UNION
    SELECT (m.found[1])::oid
    FROM seen AS s
    JOIN pg_catalog.pg_class AS c ON c.oid = s.oid AND c.relkind = 'v'
    JOIN pg_catalog.pg_rewrite AS w ON w.ev_class = s.oid AND w.ev_type = '1'
    CROSS JOIN LATERAL
        pg_catalog.regexp_matches(w.ev_action::text, ':relid (\d+)', 'g') AS m(found)
    WHERE m.found[1] <> '0'
)
SELECT s.oid,
       n.nspname::text AS schema,
       c.relname::text AS name,
       c.relkind::text AS kind,
       s.oid < 16384 AS is_of_system,
       -- An edition's list of objects names partitioned tables without their partitions.
       root.schemas AS root_schemas,
       root.names AS root_names,
       EXISTS (
           SELECT
           FROM pg_catalog.pg_rewrite AS w
           WHERE w.ev_class = s.oid AND w.ev_type = '1' AND c.relkind = 'v'
             AND (w.ev_action::text LIKE '%SQLVALUEFUNCTION%' OR EXISTS (
                 SELECT
                 FROM pg_catalog.regexp_matches(
                          w.ev_action::text,
                          ':(?:funcid|opfuncid|aggfnoid|winfnoid|tsmhandler) (\d+)', 'g'
                      ) AS m(found)
                 JOIN pg_catalog.pg_proc AS p ON p.oid = (m.found[1])::oid
                 LEFT JOIN pg_catalog.pg_depend AS d
                   ON d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass
                  AND d.objid = p.oid AND d.deptype = 'e'
                 -- A function may read anything, and the clock; of the stable ones that come with
                 -- PostgreSQL most depend on settings alone, which are always the same here.
                 WHERE p.provolatile = 'v'
                    OR p.oid >= 16384 AND (d.objid IS NULL OR p.provolatile <> 'i')
                    OR p.prokind = 'f' AND p.provolatile = 's' AND p.pronargs = 0
                    OR p.proname = 'age' AND p.pronargs = 1
                    OR p.provolatile = 's' AND p.proname ~ (
                       '^(pg_|has_|txid_|to_reg|inet_|current_|row_security|lo_|ts_)'
                       || '|_to_xml|_description$')
             ))
       ) AS is_unsteady
FROM seen AS s
JOIN pg_catalog.pg_class AS c ON c.oid = s.oid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
CROSS JOIN LATERAL (
    SELECT coalesce(pg_catalog.array_agg(rn.nspname::text), '{}') AS schemas,
           coalesce(pg_catalog.array_agg(r.relname::text), '{}') AS names
    FROM pg_catalog.pg_partition_ancestors(c.oid) AS a(oid)
    JOIN pg_catalog.pg_class AS r ON r.oid = a.oid
    JOIN pg_catalog.pg_namespace AS rn ON rn.oid = r.relnamespace
) AS root
