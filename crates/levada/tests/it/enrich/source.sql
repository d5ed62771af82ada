CREATE TYPE mood AS ENUM ('calm', 'loud');
CREATE TABLE adviser (id int PRIMARY KEY, agency text, code int);
CREATE TABLE event (
    id int PRIMARY KEY, at timestamptz NOT NULL, adviser int, mood mood, note text, extra int);
CREATE TABLE other (id int PRIMARY KEY);
INSERT INTO adviser SELECT n, 'agency ' || n % 3, n / 2 FROM generate_series(1, 9) AS n;
INSERT INTO event
SELECT n, timestamptz '2025-10-20 22:30:00+00' + n * interval '7 hours', n % 11,
       (CASE WHEN n % 2 = 0 THEN 'calm' ELSE 'loud' END)::mood, 'note ' || n, n
FROM generate_series(1, 200) AS n
