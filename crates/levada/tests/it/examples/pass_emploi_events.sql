-- Events with their local day and week.
SELECT *, (date_evenement AT TIME ZONE 'Europe/Paris')::date AS jour,
date_trunc('week', date_evenement AT TIME ZONE 'Europe/Paris')::date AS semaine,
(type_utilisateur, id_utilisateur) AS utilisateur
FROM evenement_engagement WHERE structure <> 'PASS_EMPLOI' OR structure IS NULL
