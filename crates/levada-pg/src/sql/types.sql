SELECT t.oid,
       t.typname::text AS name,
       t.typtype AS kind,
       CASE WHEN t.typcategory = 'A' AND t.typelem <> 0 THEN t.typelem END AS element,
       CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE r.rngsubtype END AS base
FROM pg_type AS t
LEFT JOIN pg_range AS r ON t.oid IN (r.rngtypid, r.rngmultitypid)
