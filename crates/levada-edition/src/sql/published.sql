UPDATE levada.edition SET state = 'replaced' WHERE state = 'published';
UPDATE levada.edition SET state = 'published', published_at = clock_timestamp()
WHERE number = @edition@;
UPDATE levada.table_state AS t
SET rows = (
    SELECT sum(c.rows)
    FROM levada.chunk AS c
    WHERE c.edition = t.edition
      AND c.schema_name = t.schema_name
      AND c.table_name = t.table_name)
WHERE t.edition = @edition@;
UPDATE levada.run SET outcome = 'published', finished_at = clock_timestamp()
WHERE number = @run@;
-- Whoever serves the edition hears of it with the commit.
SELECT pg_notify('levada_published', '@edition@')
