-- Whether everything that was made says what the tables say, written another way.
SELECT (SELECT count(*) = 0 FROM (
            SELECT id, (at AT TIME ZONE 'UTC')::date
                   + CASE WHEN extract(hour FROM at AT TIME ZONE 'Europe/Paris')
                               < extract(hour FROM at AT TIME ZONE 'UTC') THEN 1 ELSE 0 END,
                   mood::text
            FROM event EXCEPT SELECT id, day, mood::text FROM reports.days) AS missing),
       (SELECT (SELECT sum(events) FROM reports.totals) = (SELECT count(*) FROM event)
           AND NOT EXISTS (
            SELECT day, mood::text, count(*) FROM reports.days GROUP BY 1, 2
            EXCEPT SELECT day, mood, events FROM reports.totals)),
       (SELECT count(*) = (SELECT count(*) FROM event)
           AND bool_and(e.agency IS NOT DISTINCT FROM
                        (SELECT a.agency FROM adviser AS a WHERE a.id = e.adviser))
           AND bool_and(extract(isodow FROM e.week) = 1)
        FROM reports.events AS e),
       (SELECT count(*) = (SELECT count(*) FROM reports.totals WHERE mood = 'calm')
        FROM reports.ranking),
       (SELECT count(*) = 2 FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid
        WHERE i.indrelid = 'event'::regclass AND c.relname LIKE 'levada\_%' AND i.indisvalid)
