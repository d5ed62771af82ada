-- What any snapshot taken after this is sure to hold: the write-ahead log up to `lsn`, and whatever
-- had been committed, as its client knew, by `as_of`.
--
-- On a primary that moment is now. A standby can tell by what it has replayed: a transaction takes
-- its time before it writes its record, and a checkpoint takes its time before it writes its own.
-- So all that had been committed by then stands earlier in the log. The time of a checkpoint is
-- there where no commit has been replayed since the standby was started.
--
-- What the sender says in pg_stat_wal_receiver proves less than it seems to. A keepalive says how
-- far was sent, not how far the log goes: where a connection stalls it is later than commits that
-- wait behind it. A standby that feeds others puts its own clock on it, however far behind its
-- primary it is, and nothing tells the two kinds of sender apart. So while a primary is idle, the
-- moment of its standbys stands still, until something is committed: it is never too late.
SELECT CASE WHEN pg_is_in_recovery() THEN coalesce(pg_last_wal_replay_lsn(), '0/0')
            ELSE pg_current_wal_lsn() END::text AS lsn,
       to_char(
           CASE WHEN pg_is_in_recovery()
                THEN greatest(pg_last_xact_replay_timestamp(), checkpoint_time)
                ELSE transaction_timestamp() END AT TIME ZONE 'UTC',
           'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS as_of
FROM pg_control_checkpoint()
