CREATE TYPE kind AS ENUM ('a', 'b');
CREATE TABLE event (id int, kind kind, at timestamptz, day int, PRIMARY KEY (id, day))
    PARTITION BY RANGE (day);
CREATE TABLE event_1 PARTITION OF event FOR VALUES FROM (0) TO (10);
CREATE TABLE event_2 PARTITION OF event FOR VALUES FROM (10) TO (20);
INSERT INTO event SELECT n, 'a', now() - n * interval '1 hour', n % 20
FROM generate_series(1, 400) AS n;
CREATE TABLE plain AS SELECT id, at FROM event;
ALTER TABLE plain ADD PRIMARY KEY (id);
