CREATE SCHEMA mine;
CREATE VIEW mine.top AS SELECT id, week, agency FROM reports.events;
COMMENT ON VIEW reports.events IS 'all of them';
COMMENT ON COLUMN reports.events.extra IS 'more';
CREATE ROLE enrich_drift_reader;
GRANT SELECT ON reports.events TO enrich_drift_reader;
