SELECT a.pid
FROM pg_stat_activity AS a
WHERE a.datname = current_database()
  AND a.pid <> pg_backend_pid()
  AND (a.backend_type = 'client backend' AND a.backend_xmin IS NOT NULL
       -- Of other roles' sessions we may not be told more than that they are in a transaction.
       OR a.backend_type IS NULL
          AND EXISTS (
              SELECT FROM pg_locks AS l
              WHERE l.pid = a.pid AND l.locktype = 'virtualxid'))
