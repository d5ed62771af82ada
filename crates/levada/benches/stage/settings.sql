-- The settings that decide how fast a copy can be; none of them names a place or a machine.
select name, current_setting(name)
from pg_settings
where name in (
  'autovacuum', 'autovacuum_naptime', 'checkpoint_timeout', 'data_checksums', 'fsync',
  'full_page_writes', 'jit',
  'maintenance_work_mem', 'max_parallel_maintenance_workers', 'max_parallel_workers',
  'max_wal_size', 'shared_buffers', 'synchronous_commit', 'wal_compression', 'wal_level', 'work_mem'
)
union all
select 'collation', datcollate from pg_database where datname = current_database()
order by 1
