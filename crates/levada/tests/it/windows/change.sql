UPDATE event SET at = at - interval '2 days' WHERE id % 3 = 0;
DELETE FROM event WHERE id % 7 = 0;
DELETE FROM plain WHERE id % 5 = 0;
INSERT INTO event SELECT n, 'b', now() - n * interval '1 min', n % 20
FROM generate_series(1000, 1100) AS n;
