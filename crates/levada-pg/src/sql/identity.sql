SELECT system.system_identifier,
       checkpoint.timeline_id AS timeline,
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
