CREATE TABLE visit (
    id bigint PRIMARY KEY,
    at timestamptz NOT NULL,
    device text NOT NULL
);

-- One every two minutes, fewer at night, for ten days up to now.
INSERT INTO visit
SELECT number,
       now() - number * interval '2 minutes',
       (ARRAY['phone', 'tablet', 'desktop'])[1 + number % 3]
FROM generate_series(0, 7199) AS number
WHERE extract(hour FROM (now() - number * interval '2 minutes') AT TIME ZONE 'UTC') >= 6
   OR number % 5 = 0
