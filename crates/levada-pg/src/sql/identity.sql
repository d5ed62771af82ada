SELECT system.system_identifier,
       -- After a promotion the control file tells the old timeline until the next checkpoint.
       -- A standby may follow a promoted one for long before its own control file says so; what it
       -- receives tells at once, to roles that may read statistics.
       CASE WHEN pg_is_in_recovery() THEN greatest(
                checkpoint.timeline_id,
                (SELECT min_recovery_end_timeline FROM pg_control_recovery()),
                (SELECT received_tli FROM pg_stat_wal_receiver))
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
