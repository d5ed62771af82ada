-- What enrichments have made, so that nothing else is ever replaced or dropped.
CREATE TABLE IF NOT EXISTS levada.enrichment (
    name        text NOT NULL,
    kind        text NOT NULL CHECK (kind IN ('index', 'view', 'table', 'script')),
    schema_name text NOT NULL,
    object_name text NOT NULL,
    -- What it was made of when it was last computed.
    definition  text NOT NULL,
    -- The last edition in which it was known to be what its definition says.
    checked_in  int NOT NULL,
    PRIMARY KEY (name, kind, schema_name)
);
