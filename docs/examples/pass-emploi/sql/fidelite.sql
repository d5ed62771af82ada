-- As of the end of the last complete week, in Paris.
SELECT utilisateurs_1_mois, utilisateurs_2_mois
FROM engagement_national
WHERE (semaine + 7)::timestamp AT TIME ZONE 'Europe/Paris' <= :closed_through
ORDER BY semaine DESC
LIMIT 1
