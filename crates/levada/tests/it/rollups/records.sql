-- What the records of a rollup with a calendar get wrong: one line each. Variables: name, zone,
-- grain, as_of, grace, settles, finer.
WITH b AS (
    SELECT *, lead(bucket_start) OVER w AS next_start, lag(bucket_end) OVER w AS end_before,
           :'as_of'::timestamptz - :'grace'::interval >= bucket_end AS has_passed,
           :'as_of'::timestamptz - :'settles'::interval >= bucket_end AS is_settled,
           :'finer' = '' OR bucket_end <= (SELECT closed_through FROM levada.rollup
                                           WHERE name = :'finer') AS is_fed
    FROM levada.rollup_bucket WHERE rollup = :'name'
    WINDOW w AS (ORDER BY bucket_start)
), expected AS (
    SELECT *, CASE WHEN NOT has_passed OR is_fed IS NOT TRUE THEN 'open'
                   WHEN NOT is_settled THEN 'provisional' ELSE 'closed' END AS expected_state,
           CASE :'grain' WHEN 'hour' THEN bucket_start::text
                         ELSE (bucket_start AT TIME ZONE :'zone')::date::text END AS expected_label
    FROM b
)
SELECT 'state of ' || bucket || ' is ' || state || ' not ' || expected_state FROM expected
WHERE state <> expected_state
UNION ALL
SELECT 'after ' || bucket || ' there is a hole' FROM expected
WHERE next_start IS NOT NULL AND next_start <> bucket_end
UNION ALL
SELECT 'label ' || bucket || ' begins at ' || bucket_start FROM expected
WHERE CASE :'grain' WHEN 'hour' THEN bucket::timestamptz <> bucket_start
                    ELSE bucket <> expected_label END
UNION ALL
SELECT bucket || ' does not begin with its day' FROM expected
WHERE :'grain' <> 'hour'
  AND ((bucket_start - interval '1 us') AT TIME ZONE :'zone')::date >= bucket::date
UNION ALL
SELECT bucket || ' is no hour' FROM expected
WHERE :'grain' = 'hour' AND bucket_end - bucket_start <> interval '1 hour'
UNION ALL
SELECT bucket || ' is no ' || :'grain' FROM expected
WHERE :'grain' <> 'hour'
  AND (bucket_end AT TIME ZONE :'zone')::date <> (bucket::date + ('1 ' || :'grain')::interval)::date
UNION ALL
SELECT 'the last bucket does not hold as_of' WHERE NOT EXISTS (
    SELECT FROM b WHERE next_start IS NULL
       AND bucket_start <= :'as_of'::timestamptz AND bucket_end > :'as_of'::timestamptz)
UNION ALL
SELECT 'closed_through is ' || coalesce(r.closed_through::text, 'null')
FROM levada.rollup AS r
WHERE name = :'name' AND closed_through IS DISTINCT FROM (
    SELECT CASE WHEN min(bucket_start) FILTER (WHERE expected_state = 'open')
                     > min(bucket_start)
                THEN min(bucket_start) FILTER (WHERE expected_state = 'open') END FROM expected)
UNION ALL
SELECT 'it is of edition ' || edition FROM levada.rollup
WHERE name = :'name' AND edition <> (SELECT max(number) FROM levada.edition
                                     WHERE state = 'published')
