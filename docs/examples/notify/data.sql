-- One year and a month of messages, one every quarter of an hour, so that both clock changes are in
-- it. Two variables of psql say which: -v seed=0.5 for other ones, -v day='2026-04-02 10:00+00' for
-- those before another moment than now. Every 37th day of London has no message.
\if :{?seed} \else \set seed 0.42 \endif
\if :{?day} \else \set day now \endif

BEGIN;
SELECT setseed(:seed) \g /dev/null

CREATE TEMPORARY TABLE message AS
SELECT n, :'day'::timestamptz AT TIME ZONE 'UTC' - n * interval '15 minutes' AS created_at,
       random() AS service, random() AS kind, random() AS key, random() AS job, random() AS fate,
       random() AS speed
FROM generate_series(0, 395 * 96) AS n;

-- A few services send nearly all.
CREATE TEMPORARY TABLE sent AS
SELECT md5('message ' || n)::uuid AS id,
       md5('service ' || floor(12 * service ^ 3))::uuid AS service_id,
       md5('template ' || floor(12 * service ^ 3) || floor(3 * job))::uuid AS template_id,
       CASE WHEN job < 0.3 THEN md5('job ' || created_at::date || floor(8 * job))::uuid
            END AS job_id,
       CASE WHEN job >= 0.4 THEN md5('key ' || floor(12 * service ^ 3))::uuid END AS api_key_id,
       CASE WHEN key < 0.90 THEN 'normal' WHEN key < 0.95 THEN 'team' ELSE 'test' END AS key_type,
       CASE WHEN kind < 0.6 THEN 'email' WHEN kind < 0.9 THEN 'sms' ELSE 'letter'
            END AS notification_type,
       created_at, fate, speed, n
FROM message
WHERE ((created_at AT TIME ZONE 'UTC' AT TIME ZONE 'Europe/London')::date - '2000-01-01') % 37 <> 5;

-- Receipts arrive for three days, those of letters for nine.
CREATE TEMPORARY TABLE settled AS
SELECT *, CASE WHEN n < settles_in * 96 * fate THEN 'sending'
               WHEN fate < 0.93 THEN 'delivered'
               WHEN fate < 0.97 THEN 'permanent-failure'
               ELSE 'temporary-failure' END AS notification_status
FROM (SELECT *, CASE notification_type WHEN 'letter' THEN 9 ELSE 3 END AS settles_in
      FROM sent) AS s;

INSERT INTO notifications
SELECT id, service_id, template_id, job_id, api_key_id, key_type, notification_type,
       notification_status, created_at, created_at + speed ^ 4 * interval '15 seconds', NULL
FROM settled WHERE n <= 7 * 96;

INSERT INTO notification_history
SELECT id, service_id, template_id, job_id, api_key_id, key_type, notification_type,
       notification_status, created_at, created_at + speed ^ 4 * interval '15 seconds', NULL
FROM settled WHERE n > 7 * 96 AND key_type <> 'test';
COMMIT;
ANALYZE;
