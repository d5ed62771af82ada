-- Young people with their last event. A page takes those of one adviser: it reads an index of
-- `jeune` and one row per young person, and no event at all.
SELECT j.id_conseiller, j.id, j.prenom, d.dernier_evenement
FROM jeune AS j
LEFT JOIN derniere_activite AS d ON d.id_utilisateur = j.id AND d.type_utilisateur = 'JEUNE'
