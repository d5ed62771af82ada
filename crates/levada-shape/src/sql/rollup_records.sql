-- A statistic: how far it is complete, and which version of it readers see.
CREATE TABLE IF NOT EXISTS levada.rollup (
    name            text PRIMARY KEY,
    schema_name     text NOT NULL,
    definition_hash text NOT NULL,
    -- Of the tables behind it: their parts, and their columns by position.
    sources         text,
    -- Its dimensions and the kinds of its measures: all that readers may be shown.
    layout          jsonb,
    calendar        text,
    zone            text,
    grain           text,
    -- The dimension by whose values buckets settle at different times.
    settles_by      text,
    -- Goes up whenever a number or a state changes.
    version         bigint NOT NULL DEFAULT 1,
    -- The edition that last looked at it, and the moment of the source that it has seen.
    edition         int NOT NULL,
    as_of           timestamptz NOT NULL,
    -- The edition in which a number last changed.
    changed_in      int NOT NULL,
    -- All up to this instant is complete, but for buckets that are called gaps: the end of the
    -- last closed bucket before one that is open or failed.
    closed_through  timestamptz,
    closed_bucket   text,
    computed_at     timestamptz NOT NULL DEFAULT clock_timestamp()
);
-- Targets of an earlier levada have no such column; to ask for it would wait for readers.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_attribute
                   WHERE attrelid = 'levada.rollup'::regclass AND attname = 'layout') THEN
        ALTER TABLE levada.rollup ADD COLUMN layout jsonb;
    END IF;
END $$;

-- Its buckets, also those without any row.
CREATE TABLE IF NOT EXISTS levada.rollup_bucket (
    rollup       text NOT NULL REFERENCES levada.rollup ON DELETE CASCADE,
    bucket       text NOT NULL,
    bucket_start timestamptz NOT NULL,
    bucket_end   timestamptz NOT NULL,
    state        text NOT NULL
                 CHECK (state IN ('open', 'provisional', 'closed', 'final', 'failed', 'gap')),
    -- How many rows it counts.
    source_rows  bigint NOT NULL,
    -- Values of the settling dimension whose rows still change; * stands for all others.
    settling     text[] NOT NULL,
    in_totals    boolean NOT NULL,
    -- How often it was computed, and in which edition last.
    version      bigint NOT NULL DEFAULT 1,
    edition      int NOT NULL,
    computed_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (rollup, bucket_start)
);
