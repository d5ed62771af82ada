UPDATE levada.edition SET state = 'replaced' WHERE number = @base@;
UPDATE levada.run
SET edition = @edition@, outcome = 'published', finished_at = clock_timestamp()
WHERE number = @run@;
-- Whoever serves the edition hears of it with the commit.
SELECT pg_notify('levada_published', '@edition@')
