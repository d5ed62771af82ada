CREATE TABLE part (id int, n int, PRIMARY KEY (id, n)) PARTITION BY LIST (n);
CREATE TABLE part_1 PARTITION OF part FOR VALUES IN (1);
CREATE TABLE part_2 PARTITION OF part FOR VALUES IN (2);
INSERT INTO part SELECT n, 1 + n % 2 FROM generate_series(1, 10) AS n;
CREATE TABLE parent (id int PRIMARY KEY);
CREATE TABLE child (PRIMARY KEY (id)) INHERITS (parent);
INSERT INTO child VALUES (1);
CREATE VIEW loud AS SELECT id FROM event WHERE mood = 'loud';
CREATE VIEW louder AS SELECT count(*) AS n FROM loud;
CREATE MATERIALIZED VIEW kept AS SELECT count(*) AS n FROM other;
CREATE FUNCTION outer_count() RETURNS bigint LANGUAGE sql STABLE
    AS 'SELECT count(*) FROM public.other';
CREATE FUNCTION twice(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1 * 2';
