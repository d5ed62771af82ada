UPDATE levada.edition SET state = 'replaced' WHERE state = 'published';
UPDATE levada.edition SET state = 'published', published_at = clock_timestamp()
WHERE number = @edition@;
UPDATE levada.run SET outcome = 'published', finished_at = clock_timestamp()
WHERE number = @run@
