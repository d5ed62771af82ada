-- Every event once: users who have gone, or have no agency, count without a place.
SELECT e.*, a.code_departement, a.nom_region
FROM evenement_engagement AS e
LEFT JOIN jeune AS j ON j.id = e.id_utilisateur AND e.type_utilisateur = 'JEUNE'
LEFT JOIN conseiller AS c
  ON c.id = CASE e.type_utilisateur WHEN 'JEUNE' THEN j.id_conseiller ELSE e.id_utilisateur END
LEFT JOIN agence AS a ON a.id = c.id_agence
