SELECT n::date
FROM generate_series((timestamptz '@as_of@' - interval '31 days')::date, '@as_of@', '1 day') AS n
WHERE n::date::timestamp AT TIME ZONE 'Europe/London'
      >= timestamptz '@as_of@' - interval '720 hours'
ORDER BY 1 LIMIT 1
