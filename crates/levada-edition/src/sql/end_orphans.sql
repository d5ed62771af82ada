SELECT count(pg_terminate_backend(pid))
FROM pg_stat_activity
WHERE datname = current_database()
  AND usename = current_user
  AND application_name = 'levada writer'
  AND pid <> pg_backend_pid()
