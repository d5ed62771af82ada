-- Functions of the system stand in no dependency; the tree names them all.
SELECT w.ev_action::text AS tree,
       EXISTS (
           SELECT
           FROM regexp_matches(
                    w.ev_action::text,
                    ':(?:funcid|opfuncid|aggfnoid|winfnoid) (\d+)', 'g') AS m(ids)
           JOIN pg_catalog.pg_proc AS p ON p.oid = m.ids[1]::oid
           WHERE p.provolatile = 'v'
              -- A function of somebody's may read tables.
              OR p.provolatile = 's' AND p.oid >= 16384
              OR p.prokind = 'f' AND p.provolatile = 's' AND p.pronargs = 0
              OR p.proname = 'age' AND p.pronargs = 1
              OR p.provolatile = 's' AND p.proname ~ (
                 '^(pg_|has_|txid_|to_reg|inet_|current_|row_security|lo_|ts_)'
                 || '|_to_xml|_description$')
       ) AS is_unsteady
FROM pg_catalog.pg_rewrite AS w
WHERE w.ev_class = 'levada.stage_query'::regclass
