-- One row per complete day, up to the last one that both statistics know in full. Before the first
-- day of either nothing is said, and a day without messages is a day with 0.
SELECT s.bucket::date AS day,
       s.state,
       s.settling,
       coalesce(n.email, 0) AS email,
       coalesce(n.sms, 0) AS sms,
       coalesce(n.letter, 0) AS letter,
       coalesce(t.messages_total, 0) AS messages_total,
       coalesce(t.messages_within_10_secs, 0) AS messages_within_10_secs,
       100 * t.percentage AS percentage
FROM levada.rollup_bucket AS s
JOIN levada.rollup_bucket AS p
  ON p.rollup = 'ft_processing_time' AND p.bucket_start = s.bucket_start
 AND p.state IN ('provisional', 'closed', 'final')
LEFT JOIN (
    SELECT bucket,
           sum(notifications) FILTER (WHERE notification_type = 'email') AS email,
           sum(notifications) FILTER (WHERE notification_type = 'sms') AS sms,
           sum(notifications) FILTER (WHERE notification_type = 'letter') AS letter
    FROM ft_notification_status
    GROUP BY bucket
) AS n ON n.bucket = s.bucket::date
LEFT JOIN ft_processing_time AS t ON t.bucket = s.bucket::date
WHERE s.rollup = 'ft_notification_status' AND s.state IN ('provisional', 'closed', 'final')
