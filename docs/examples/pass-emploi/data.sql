-- Fourteen months of events, so that both clock changes are in it. Variables of psql: -v seed=0.5
-- for other ones, -v day='2026-04-02 10:00+00' for those before another moment than now, and
-- -v events=1000000 for more of them.
\if :{?seed} \else \set seed 0.42 \endif
\if :{?day} \else \set day now \endif
\if :{?events} \else \set events 40000 \endif

BEGIN;
SELECT setseed(:seed) \g /dev/null

INSERT INTO agence
SELECT 'a' || n, 'Agence ' || n, lpad((1 + n % 7)::text, 2, '0'),
       (array['Bretagne', 'Occitanie', 'Normandie'])[1 + n % 7 % 3]
FROM generate_series(1, 20) AS n;

INSERT INTO conseiller
SELECT 'c' || n, (array['MILO', 'POLE_EMPLOI', 'AIJ'])[1 + n % 3],
       CASE WHEN random() < 0.9 THEN 'a' || 1 + floor(20 * random()) END
FROM generate_series(1, 60) AS n;

-- Half of the advisers have nobody, a few have very many.
INSERT INTO jeune
SELECT 'j' || n, 'Prenom ' || n, c.structure, c.id
FROM (SELECT n, 'c' || 1 + floor(30 * random() ^ 2) AS id_conseiller
      FROM generate_series(1, 600) AS n) AS j
JOIN conseiller AS c ON c.id = j.id_conseiller;

-- The same person may be an adviser and a young person by number: c7 and j7 are two users.
INSERT INTO evenement_engagement
    (date_evenement, categorie, action, code, id_utilisateur, type_utilisateur, structure)
SELECT at, categorie, action, upper(coalesce(categorie, 'autre')) || '_' || upper(action),
       CASE WHEN who < 0.8 THEN 'j' ELSE 'c' END
       || 1 + floor(CASE WHEN who < 0.8 THEN 600 ELSE 60 END * which ^ 2),
       CASE WHEN who < 0.8 THEN 'JEUNE' ELSE 'CONSEILLER' END,
       (array['MILO', 'POLE_EMPLOI', 'AIJ', 'PASS_EMPLOI', NULL])[1 + floor(5 * structure ^ 2)]
FROM (SELECT :'day'::timestamptz - random() * interval '425 days' AS at,
             (array['Action', 'Rendez-vous', 'Message', 'Offre', NULL])[1 + floor(5 * random())]
             AS categorie,
             (array['Creation', 'Detail', 'Liste'])[1 + floor(3 * random())] AS action,
             random() AS who, random() AS which, random() AS structure
      FROM generate_series(1, :events)) AS e;
COMMIT;
ANALYZE;
