-- Tables of the reports schema that levada created, so that it never touches others.
CREATE TABLE IF NOT EXISTS levada.report_table (
    schema_name text NOT NULL,
    table_name  text NOT NULL,
    kind        text NOT NULL,
    -- The statements that created it.
    layout      text NOT NULL,
    -- The edition in which its rows last changed; unknown where nobody says so.
    changed_in  int,
    PRIMARY KEY (schema_name, table_name)
);
