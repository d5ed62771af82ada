SELECT pg_export_snapshot() AS name,
       pg_current_snapshot()::text AS snapshot,
       CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn()
            ELSE pg_current_wal_insert_lsn() END::text AS lsn,
       to_char(
           CASE WHEN pg_is_in_recovery()
                THEN coalesce(pg_last_xact_replay_timestamp(), transaction_timestamp())
                ELSE transaction_timestamp() END AT TIME ZONE 'UTC',
           'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS as_of
