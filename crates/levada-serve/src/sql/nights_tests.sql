-- What levada records, as far as visitors are concerned, written by hand.
CREATE SCHEMA levada;
CREATE SCHEMA reports;
CREATE TABLE levada.edition (
    number int, state text, fingerprint text, schemas text[], as_of timestamptz,
    published_at timestamptz
);
CREATE TABLE levada.rollup (
    name text, schema_name text, definition_hash text, calendar text, zone text, grain text,
    version bigint, edition int, closed_through timestamptz, closed_bucket text,
    computed_at timestamptz, layout jsonb
);
CREATE TABLE levada.rollup_bucket (
    rollup text, bucket text, bucket_start timestamptz, bucket_end timestamptz, state text
);
CREATE TABLE reports.messages (
    bucket date, bucket_start timestamptz, bucket_end timestamptz, kind text, n bigint
);
CREATE TABLE reports.people (LIKE reports.messages);

-- A day begins with the first instant that bears its date, or a later one.
CREATE TABLE day (zone text, d date, starts timestamptz);
INSERT INTO day
SELECT z, d::date, (
    SELECT min(t)
    FROM generate_series(d - interval '1 day', d + interval '1 day', interval '15 minutes') AS t
    WHERE (t AT TIME ZONE z)::date >= d::date)
FROM unnest(ARRAY['Europe/London', 'Europe/Paris', 'Atlantic/Azores']) AS z,
     generate_series(timestamptz '2024-12-01 00:00Z', '2025-11-05 00:00Z', interval '1 day') AS d;
CREATE INDEX ON day (zone, d);

CREATE FUNCTION minutes_around(d text) RETURNS SETOF timestamptz LANGUAGE sql AS $$
    SELECT generate_series(m - interval '5 hours', m + interval '6 hours', interval '1 minute')
    FROM (SELECT (d || ' 00:00Z')::timestamptz AS m) AS midnight
$$;

-- Edition e of the night before d: both rollups with days up to `at`, closed up to their days.
CREATE FUNCTION publish(
    e int, z text, night date, at timestamptz, messages date, people date, fails boolean
) RETURNS void LANGUAGE sql AS $$
    DELETE FROM levada.rollup_bucket;
    DELETE FROM levada.rollup;
    DELETE FROM reports.messages;
    DELETE FROM reports.people;
    UPDATE levada.edition SET state = 'replaced';
    INSERT INTO levada.edition VALUES (e, 'published', '', '{public}', at, at);
    INSERT INTO levada.rollup
    SELECT r.name, 'reports', '', 'local', z, 'day', e, e,
           (SELECT starts FROM day WHERE zone = z AND d = r.closed + 1), r.closed::text, at,
           '{"dimensions": ["kind"], "measures": {"n": "count"}}'
    FROM (VALUES ('messages', messages), ('people', people)) AS r(name, closed);
    INSERT INTO levada.rollup_bucket
    SELECT r.name, b.d::text, b.starts, next.starts,
           CASE WHEN b.d <= r.closed THEN 'closed'
                WHEN fails AND r.name = 'people' AND b.d < night THEN 'failed'
                ELSE 'open' END
    FROM (VALUES ('messages', messages), ('people', people)) AS r(name, closed), day AS b
    JOIN day AS next ON next.zone = z AND next.d = b.d + 1
    WHERE b.zone = z AND b.d >= night - 40 AND b.starts <= at;
    -- Open days show what must never be seen.
    INSERT INTO reports.messages
    SELECT b.bucket::date, b.bucket_start, b.bucket_end, k.kind,
           CASE WHEN b.state = 'closed'
                THEN e * 100000 + (b.bucket::date - night + 50) * 100 + k.number
                ELSE 987654321 END
    FROM levada.rollup_bucket AS b, (VALUES ('email', 1), ('sms', 2)) AS k(kind, number)
    WHERE b.rollup = 'messages';
    INSERT INTO reports.people
    SELECT b.bucket::date, b.bucket_start, b.bucket_end, k.kind,
           CASE WHEN b.state = 'closed'
                THEN e * 100000 + (b.bucket::date - night + 50) * 100 + 10 + k.number
                ELSE 987654321 END
    FROM levada.rollup_bucket AS b, (VALUES ('email', 1), ('sms', 2)) AS k(kind, number)
    WHERE b.rollup = 'people';
$$;

-- Texts that are found as soon as nobody holds the lock.
CREATE FUNCTION reports.kinds() RETURNS TABLE (k text) LANGUAGE plpgsql AS $$
BEGIN
    WHILE EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = 77) LOOP
        PERFORM pg_sleep(0.02);
    END LOOP;
    RETURN QUERY VALUES ('sms'), ('email');
END
$$;
