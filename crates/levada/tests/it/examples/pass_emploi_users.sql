-- Users with two active days in a week, and of one and two months before its end.
WITH events AS (@events@), days AS (
    SELECT semaine, (semaine + 7)::timestamp AS ends, utilisateur, count(DISTINCT jour) AS days
    FROM events
    GROUP BY 1, 2, 3
)
SELECT semaine,
       count(*) FILTER (WHERE days >= 2),
       (SELECT count(DISTINCT utilisateur) FROM events AS e
        WHERE e.date_evenement >= (ends - interval '1 month') AT TIME ZONE 'Europe/Paris'
          AND e.date_evenement < ends AT TIME ZONE 'Europe/Paris'),
       (SELECT count(DISTINCT utilisateur) FROM events AS e
        WHERE e.date_evenement >= (ends - interval '2 months') AT TIME ZONE 'Europe/Paris'
          AND e.date_evenement < ends AT TIME ZONE 'Europe/Paris')
FROM days
WHERE ends AT TIME ZONE 'Europe/Paris' <= '@as_of@'::timestamptz - interval '2 hours'
GROUP BY semaine, ends
