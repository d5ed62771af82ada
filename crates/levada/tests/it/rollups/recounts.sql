-- events_day: london day
SELECT (at AT TIME ZONE 'Europe/London')::date, kind, count(*), count(*) FILTER (WHERE amount > 20),
       sum(amount), min(amount), max(amount), count(DISTINCT person),
       count(*) FILTER (WHERE amount > 20)::numeric / count(*)
FROM event
WHERE (at AT TIME ZONE 'Europe/London')::date <= (@as_of@ AT TIME ZONE 'Europe/London')::date
GROUP BY 1, 2
-- events_week: london week
SELECT date_trunc('week', at AT TIME ZONE 'Europe/London')::date, kind, count(*),
       count(*) FILTER (WHERE amount > 20), sum(amount), min(amount), count(DISTINCT person),
       count(*) FILTER (WHERE amount > 20)::numeric / count(*)
FROM event
WHERE (at AT TIME ZONE 'Europe/London')::date <= (@as_of@ AT TIME ZONE 'Europe/London')::date
GROUP BY 1, 2
-- events_hour: azores hour
SELECT date_trunc('hour', at), count(*), sum(amount)
FROM event WHERE at >= date '2026-08-01' AND date_trunc('hour', at) <= @as_of@ GROUP BY 1
-- events_month: brazil month
SELECT date_trunc('month', at AT TIME ZONE 'America/Sao_Paulo')::date, kind, person, count(*)
FROM event
WHERE amount >= 5 AND date_trunc('month', at AT TIME ZONE 'America/Sao_Paulo')
                      <= @as_of@ AT TIME ZONE 'America/Sao_Paulo'
GROUP BY 1, 2, 3
-- notices_day: azores day
SELECT (at AT TIME ZONE 'Atlantic/Azores')::date, status, count(*), count(DISTINCT person)
FROM (TABLE live UNION ALL TABLE history) AS notice
WHERE (at AT TIME ZONE 'Atlantic/Azores')::date <= (@as_of@ AT TIME ZONE 'Atlantic/Azores')::date
GROUP BY 1, 2
-- visits_day: brazil day
SELECT (at AT TIME ZONE 'Europe/London' AT TIME ZONE 'America/Sao_Paulo')::date, region,
       p.id IS NULL, count(*), sum(minutes), max(minutes)
FROM visit LEFT JOIN place AS p ON place = p.id
WHERE (at AT TIME ZONE 'Europe/London' AT TIME ZONE 'America/Sao_Paulo')::date
      <= (@as_of@ AT TIME ZONE 'America/Sao_Paulo')::date
GROUP BY 1, 2, 3
-- bookings_week: brazil week
SELECT day - extract(dow FROM day)::int, kind, count(*), sum(seats)
FROM booking
WHERE day - extract(dow FROM day)::int <= @as_of@ AT TIME ZONE 'America/Sao_Paulo' GROUP BY 1, 2
-- kept_day: london day
SELECT (at AT TIME ZONE 'Europe/London')::date, kind, count(*), sum(n::numeric)
FROM log
WHERE (at AT TIME ZONE 'Europe/London')::date <= (@as_of@ AT TIME ZONE 'Europe/London')::date
GROUP BY 1, 2
-- last_seen: keyed
SELECT person, kind, max(at), min(at), count(*), sum(amount), count(*) FILTER (WHERE amount > 20),
       count(*) FILTER (WHERE amount > 20)::numeric / count(*)
FROM event GROUP BY 1, 2
-- latest: keyed
SELECT person, max(at), min(at), count(*) FROM event GROUP BY 1
-- regions: keyed
SELECT region, count(*), sum(minutes), count(DISTINCT place)
FROM visit JOIN place AS p ON place = p.id GROUP BY 1
-- everything: keyed
SELECT count(*), max(at) FROM (TABLE live UNION ALL TABLE history) AS notice HAVING count(*) > 0
