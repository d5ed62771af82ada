-- What the headings of the page say, counted in the source: everything, seven days, their share
-- within ten seconds, the last day, and emails.
WITH complete AS (
    SELECT * FROM (@messages@) AS m
    WHERE (@counted@) AND created_at AT TIME ZONE 'UTC' < '@through@'::timestamptz
), last AS (
    SELECT ('@through@'::timestamptz AT TIME ZONE 'Europe/London')::date - 1 AS day
), fast AS (
    SELECT f.is_fast FROM (WITH messages AS (@messages@) @fast@) AS f, last
    WHERE f.day BETWEEN last.day - 6 AND last.day
)
SELECT to_char((SELECT count(*) FROM complete), 'FM999,999,999'),
       to_char((SELECT count(*) FROM complete, last
                WHERE complete.day BETWEEN last.day - 6 AND last.day), 'FM999,999,999'),
       (SELECT round(100.0 * count(*) FILTER (WHERE is_fast) / count(*), 1) FROM fast),
       (SELECT day FROM last),
       to_char((SELECT count(*) FROM complete WHERE notification_type = 'email'), 'FM999,999,999')
