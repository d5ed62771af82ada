-- Twelve days of London with 3 emails and 2 texts each, and three days ago nothing at all.
CREATE TABLE message (
    id   bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    kind text NOT NULL,
    who  int NOT NULL,
    at   timestamptz NOT NULL
);
INSERT INTO message (kind, who, at)
SELECT CASE WHEN n % 5 < 3 THEN 'email' ELSE 'sms' END, n % 7,
       (date_trunc('day', now() AT TIME ZONE 'Europe/London') - n / 5 * interval '1 day'
        + (5 + n % 5) * interval '1 hour') AT TIME ZONE 'Europe/London'
FROM generate_series(5, 64) AS n
WHERE n / 5 <> 3;
