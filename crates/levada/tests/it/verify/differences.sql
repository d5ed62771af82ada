UPDATE loan SET note = '{"secret": 1}' WHERE id IN (7, 9);
UPDATE loan SET book = 3, lent_at = 'infinity' WHERE id = 9;
DELETE FROM loan WHERE id = 12;
INSERT INTO loan VALUES (-1, 1, 1, now());
INSERT INTO keyless VALUES ('word 1');
DELETE FROM visit WHERE member = 5;
CREATE TABLE own (x int);
