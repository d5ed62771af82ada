-- Events in two tables, and labels for some of them.
CREATE TABLE live (id int PRIMARY KEY, at timestamptz NOT NULL, kind text);
CREATE TABLE old (LIKE live, PRIMARY KEY (id));
CREATE TABLE label (id int PRIMARY KEY, kind text, name text);
INSERT INTO live SELECT n, now() - n * interval '6 hours', (array['a', 'b', NULL])[1 + n % 3]
FROM generate_series(1, 40) AS n;
INSERT INTO old SELECT n, now() - n * interval '6 hours', (array['a', 'b', NULL])[1 + n % 3]
FROM generate_series(41, 400) AS n;
INSERT INTO label VALUES (1, 'a', 'one')
