-- A day: new and late events, people who move or leave, corrections and removals.
INSERT INTO evenement_engagement
    (date_evenement, categorie, action, code, id_utilisateur, type_utilisateur, structure)
SELECT at, (array['Action', 'Message', NULL])[1 + n % 3], 'Detail', 'X', 'j' || 1 + n * 7 % 600,
       'JEUNE', 'MILO'
FROM generate_series(1, 40) AS n,
     LATERAL (VALUES (now() - n * interval '20 minutes'),
                     (date_trunc('week', now() AT TIME ZONE 'Europe/Paris') AT TIME ZONE
                      'Europe/Paris' - n * interval '7 days' + (n % 5 - 2) * interval '10 minutes')
     ) AS a(at);
UPDATE jeune SET id_conseiller = 'c' || 1 + right(id, 1)::int WHERE id LIKE '%3';
UPDATE conseiller SET id_agence = 'a1' WHERE id IN ('c2', 'c5');
UPDATE agence SET nom_region = 'Occitanie' WHERE id = 'a4';
DELETE FROM jeune WHERE id LIKE '%77';
DELETE FROM evenement_engagement WHERE id % 101 = (SELECT count(*) FROM jeune) % 101;
UPDATE evenement_engagement SET structure = 'AIJ' WHERE structure = 'MILO' AND id % 50 = 1;
UPDATE evenement_engagement SET date_evenement = date_evenement - interval '1 day'
WHERE id % 211 = 3
