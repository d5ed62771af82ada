CREATE TABLE message (id int PRIMARY KEY, kind text, at timestamptz);
INSERT INTO message
SELECT n, CASE WHEN n % 3 = 0 THEN 'sms' ELSE 'email' END, now() - n * interval '1 hour'
FROM generate_series(0, 11 * 24 - 1) AS n;
