SELECT pid
FROM pg_stat_activity
WHERE datname = current_database()
  AND pid <> pg_backend_pid()
  AND backend_type = 'client backend'
  AND backend_xmin IS NOT NULL
  AND (state LIKE 'idle in transaction%' OR xact_start < query_start)
