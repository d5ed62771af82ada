SELECT CASE WHEN pg_is_in_recovery() THEN true
            ELSE pg_current_wal_flush_lsn() >= ($1::text)::pg_lsn END
