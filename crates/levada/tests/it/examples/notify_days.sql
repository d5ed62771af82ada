-- Every complete day of London from that of the first counted message, with messages or without.
WITH messages AS (@messages@), fast AS (@fast@), days AS (
    SELECT d::date AS d, ((d::date + 1)::timestamp AT TIME ZONE 'Europe/London') AS ends
    FROM generate_series((SELECT min(day)::timestamp FROM messages WHERE @counted@),
                         '@as_of@', '1 day') AS d
)
SELECT d,
       CASE WHEN ends > '@as_of@'::timestamptz - interval '240 hours'
            THEN 'provisional' ELSE 'closed' END,
       (SELECT count(*) FROM messages
        WHERE day = d AND notification_type = 'sms' AND (@counted@)),
       (SELECT count(*) FROM fast WHERE day = d)
FROM days
WHERE ends <= '@as_of@'::timestamptz - interval '30 minutes'
