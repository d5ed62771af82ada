-- Two statements, and a quote that tries to end the one around it: $levada$
CREATE TABLE IF NOT EXISTS ranking (place int, day date, ran int);
DELETE FROM ranking;
INSERT INTO ranking
SELECT row_number() OVER (ORDER BY events DESC, day), day,
       (SELECT max(number) FROM levada.edition)
FROM totals WHERE mood = 'calm';
