-- Whether somebody holds the lock of runs; NULL where it cannot be seen, as on a standby.
-- The key spells "levada".
SELECT CASE WHEN pg_catalog.pg_is_in_recovery() THEN NULL ELSE EXISTS (
    SELECT FROM pg_catalog.pg_locks AS l
    JOIN pg_catalog.pg_database AS d ON d.oid = l.database
    WHERE d.datname = current_database() AND l.locktype = 'advisory' AND l.granted
      AND l.classid = x'6c65'::int AND l.objid = x'76616461'::int AND l.objsubid = 1
) END AS is_held
