-- One row per complete week. Users of a month are counted over the days of that month, not added up
-- from its weeks: who came in four of them is one user.
SELECT s.semaine,
       n.evenements,
       n.utilisateurs,
       (SELECT count(*) FROM activite_semaine AS a
        WHERE a.bucket = s.semaine AND a.jours_actifs >= 2) AS utilisateurs_2_jours,
       (SELECT count(DISTINCT (a.type_utilisateur, a.id_utilisateur)) FROM activite_jour AS a
        WHERE a.bucket >= s.fin - interval '1 month' AND a.bucket < s.fin) AS utilisateurs_1_mois,
       (SELECT count(DISTINCT (a.type_utilisateur, a.id_utilisateur)) FROM activite_jour AS a
        WHERE a.bucket >= s.fin - interval '2 months' AND a.bucket < s.fin) AS utilisateurs_2_mois
FROM (
    SELECT bucket::date AS semaine, bucket::date + 7 AS fin
    FROM levada.rollup_bucket
    WHERE rollup = 'activite_semaine' AND state IN ('provisional', 'closed', 'final')
) AS s
JOIN engagement_semaine_national AS n ON n.bucket = s.semaine
