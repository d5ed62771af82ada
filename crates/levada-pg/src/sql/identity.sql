SELECT system.system_identifier,
       -- After a promotion the control file tells the old timeline until the next checkpoint.
       CASE WHEN pg_is_in_recovery() THEN checkpoint.timeline_id
            ELSE ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int
       END AS timeline,
       d.oid AS database_oid,
       d.datname::text AS database,
       current_setting('server_version_num')::int AS version,
       pg_encoding_to_char(d.encoding)::text AS encoding,
       pg_is_in_recovery() AS in_recovery,
       pg_postmaster_start_time()::text AS started_at,
       current_user::text AS role
FROM pg_control_system() AS system,
     pg_control_checkpoint() AS checkpoint,
     pg_database AS d
WHERE d.datname = current_database()
