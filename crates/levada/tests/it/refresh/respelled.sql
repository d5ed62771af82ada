CREATE TABLE price (amount jsonb PRIMARY KEY, id int);
INSERT INTO price
SELECT to_jsonb((n / 10.0)::numeric(10, 1)), n
FROM generate_series(1, 6000) AS n
