-- One row per user and week, with the days on which the user was active.
SELECT bucket, count(*) FILTER (WHERE jours_actifs >= 2) AS utilisateurs_2_jours
FROM activite_semaine
WHERE bucket_start >= :range_start AND bucket_end <= :range_end
GROUP BY bucket
ORDER BY bucket
