SELECT (SELECT count(*) FROM mine.top),
       obj_description('reports.events'::regclass),
       has_table_privilege('enrich_drift_reader', 'reports.events', 'SELECT'),
       (SELECT string_agg(attname, ' ' ORDER BY attnum) FROM pg_attribute
        WHERE attrelid = 'reports.events'::regclass AND attnum > 0)
