UPDATE levada.run
SET outcome = 'interrupted',
    finished_at = greatest(
        started_at,
        (SELECT max(w.finished_at) FROM levada.work AS w WHERE w.run = number))
WHERE outcome = 'running'
