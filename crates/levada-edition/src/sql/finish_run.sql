UPDATE levada.run
SET outcome = $2, message = $3, finished_at = clock_timestamp()
WHERE number = $1 AND outcome = 'running'
