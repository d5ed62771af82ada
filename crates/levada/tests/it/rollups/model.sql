CREATE TABLE public.event (id int PRIMARY KEY, at timestamptz, kind text, amount int, person int);
CREATE TABLE public.live (id int PRIMARY KEY, at timestamptz, status text, person int);
CREATE TABLE public.history (id int PRIMARY KEY, at timestamptz, status text, person int);
CREATE TABLE public.place (id int PRIMARY KEY, region text);
CREATE TABLE public.visit (id int PRIMARY KEY, at timestamp, place int, minutes numeric);
CREATE TABLE public.booking (id int PRIMARY KEY, day date, kind text, seats bigint)
    PARTITION BY RANGE (id);
CREATE TABLE public.booking_1 PARTITION OF public.booking FOR VALUES FROM (0) TO (150);
CREATE TABLE public.booking_2 PARTITION OF public.booking FOR VALUES FROM (150) TO (300);
CREATE TABLE public.log (id int PRIMARY KEY, at timestamptz NOT NULL, kind text, n float8);

INSERT INTO public.event
SELECT n, now() - n * interval '13 hours', (ARRAY['a', 'b', NULL])[1 + n % 3], n % 40, n % 9
FROM generate_series(1, 150) AS n;
INSERT INTO public.live
SELECT n, now() - n * interval '9 hours', (ARRAY['sent', 'failed'])[1 + n % 2], n % 7
FROM generate_series(1, 100) AS n;
INSERT INTO public.place SELECT n, (ARRAY['north', 'south', NULL])[1 + n % 3]
FROM generate_series(1, 12) AS n;
INSERT INTO public.visit
SELECT n, localtimestamp - n * interval '7 hours', n % 14, n / 4.0
FROM generate_series(1, 100) AS n;
INSERT INTO public.booking
SELECT n, current_date - n, (ARRAY['x', 'y'])[1 + n % 2], n FROM generate_series(1, 120) AS n;
INSERT INTO public.log
SELECT n, now() - n * interval '11 hours', (ARRAY['p', 'q'])[1 + n % 2], n / 3.0
FROM generate_series(1, 200) AS n;
