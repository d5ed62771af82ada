-- The big table of a target: what it takes on the disk, and what its statistics tell.
select
  pg_relation_size(relid), pg_indexes_size(relid), n_dead_tup, n_tup_upd, n_tup_hot_upd,
  autovacuum_count, (pg_current_wal_lsn() - '0/0')::bigint
from pg_stat_user_tables
where relname = 'engagement_event' and schemaname = 'public'
