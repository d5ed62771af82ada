SELECT DISTINCT ours.pid
FROM pg_locks AS waiting
JOIN pg_locks AS ours
  ON ours.locktype = 'relation'
 AND ours.database = waiting.database
 AND ours.relation = waiting.relation
 AND ours.granted
WHERE waiting.locktype = 'relation'
  AND NOT waiting.granted
  AND waiting.mode = 'AccessExclusiveLock'
  AND (ours.pid = ANY ($1)
       OR ours.pid IN (SELECT pid FROM pg_stat_activity WHERE application_name = $2))
