CREATE TYPE kind AS ENUM ('click', 'view', 'test');
CREATE TABLE event (id bigint PRIMARY KEY, kind kind, at timestamptz, note text COLLATE "C");
CREATE INDEX ON event (at);
CREATE TABLE keyless (id bigint, kind text, at timestamptz, note text);
CREATE TABLE visit (id bigint, kind text, at timestamptz, note text, PRIMARY KEY (id))
    PARTITION BY RANGE (id);
CREATE TABLE visit_old PARTITION OF visit FOR VALUES FROM (MINVALUE) TO (0);
CREATE TABLE visit_first (note text, gone int, at timestamptz, id bigint NOT NULL, kind text);
ALTER TABLE visit_first DROP COLUMN gone;
ALTER TABLE visit ATTACH PARTITION visit_first FOR VALUES FROM (0) TO (1000);
CREATE TABLE visit_rest PARTITION OF visit DEFAULT;
CREATE TABLE local (id bigint PRIMARY KEY, kind text, at timestamp, note text);
CREATE INDEX ON local (at);
CREATE TABLE dated (id bigint PRIMARY KEY, kind text, at date, note text);
INSERT INTO event
    SELECT n, (ARRAY['click', 'view', 'test'])[1 + n % 3]::kind,
           now() - n % 900 * interval '1 hour' + n % 7 * interval '1 s', 'note ' || n
    FROM generate_series(1, 2000) AS n;
-- Moments that come and go while editions are made.
INSERT INTO event
    SELECT 10000 + n, 'view', now() + (n - 200) * interval '100 ms', NULL
    FROM generate_series(1, 1000) AS n;
INSERT INTO event
    SELECT 20000 + n, 'test', now() - interval '7 days' + (n - 200) * interval '100 ms', NULL
    FROM generate_series(1, 1000) AS n;
INSERT INTO keyless SELECT id, kind::text, at, note FROM event;
INSERT INTO keyless SELECT id, kind::text, at, note FROM event WHERE id % 10 = 0;
INSERT INTO visit SELECT id, kind::text, at, note FROM event;
INSERT INTO visit SELECT -id, kind::text, at, note FROM event;
INSERT INTO local SELECT id, kind::text, at AT TIME ZONE 'Europe/Paris', note FROM event;
INSERT INTO dated SELECT id, kind::text, (at AT TIME ZONE 'Europe/Paris')::date, note FROM event;
-- What the clock on the wall shows twice, and never, in the nights when it is set.
INSERT INTO local
    SELECT 100000 + row_number() OVER (), 'view', night + second * interval '1 s', 'night'
    FROM (
        SELECT DISTINCT (h AT TIME ZONE 'Europe/Paris')::date AS night
        FROM generate_series(now() - interval '400 days', now(), interval '1 hour') AS h
        WHERE h AT TIME ZONE 'Europe/Paris' - h AT TIME ZONE 'UTC' <> (h - interval '1 hour')
              AT TIME ZONE 'Europe/Paris' - (h - interval '1 hour') AT TIME ZONE 'UTC'
    ) AS nights,
    LATERAL (SELECT hour * 3600 + n - 40 AS second
             FROM generate_series(0, 5) AS hour, generate_series(1, 120) AS n) AS seconds;
INSERT INTO local VALUES (-1, 'test', '294276-12-31 23:59:59', 'far'),
    (-2, 'test', '4713-01-02 BC', 'old'),
    (-3, 'test', 'infinity', 'never'), (-4, 'test', '-infinity', 'never'), (-5, 'test', NULL, NULL);
INSERT INTO dated VALUES (-1, 'test', '5874897-12-31', 'far'), (-2, 'test', '4713-01-02 BC', 'old'),
    (-3, 'test', 'infinity', 'never'), (-4, 'test', '-infinity', 'never'), (-5, 'test', NULL, NULL);
