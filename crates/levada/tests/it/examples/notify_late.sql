-- Messages written late: of now, and of nights in which clocks changed.
CREATE TEMPORARY TABLE night AS
SELECT at FROM generate_series(date_trunc('hour', now()) - interval '390 days', now(),
                               interval '1 hour') AS at
WHERE (at AT TIME ZONE 'Europe/London')::time BETWEEN '00:00' AND '02:59'
  AND at AT TIME ZONE 'Europe/London' - (at - interval '1 day') AT TIME ZONE 'Europe/London'
      <> interval '1 day';
INSERT INTO notifications
SELECT gen_random_uuid(), md5('service late')::uuid, md5('late')::uuid, NULL,
       md5('key')::uuid, 'normal', 'sms', 'delivered', at AT TIME ZONE 'UTC',
       at AT TIME ZONE 'UTC' + seconds * interval '1 second'
FROM (SELECT at FROM night UNION ALL SELECT now()) AS n,
     (VALUES (10.0), (10.000001), (NULL)) AS s(seconds)
