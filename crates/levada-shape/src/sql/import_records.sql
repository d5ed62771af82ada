-- What each import has brought last.
CREATE TABLE IF NOT EXISTS levada.import (
    name            text PRIMARY KEY,
    -- Of the section in the configuration.
    definition_hash text NOT NULL,
    rows            bigint NOT NULL,
    loaded_at       timestamptz NOT NULL,
    -- The edition whose publication has compared it last.
    edition         int,
    -- When a row of it was another one last.
    changed_at      timestamptz NOT NULL
);
