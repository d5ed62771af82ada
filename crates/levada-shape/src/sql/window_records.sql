-- What each window holds. A row is in it when lower_bound < its time <= upper_bound.
CREATE TABLE IF NOT EXISTS levada.report_window (
    name            text PRIMARY KEY,
    definition_hash text NOT NULL,
    lower_bound     timestamptz NOT NULL,
    upper_bound     timestamptz NOT NULL,
    rows            bigint NOT NULL,
    -- The edition that it belongs to.
    edition         int NOT NULL,
    -- Counts the editions that changed its rows, and names the last of them.
    version         bigint NOT NULL,
    changed_in      int NOT NULL
);
