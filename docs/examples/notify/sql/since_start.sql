-- Totals are stored; nobody adds up years. They hold every complete day of messages, and a page may
-- end a day earlier, where another statistic of it does: what came later is taken off again.
SELECT t.notification_type, t.notifications - coalesce(later.notifications, 0) AS notifications
FROM ft_notification_status_totals_notification_type AS t
LEFT JOIN (
    SELECT n.notification_type, sum(n.notifications) AS notifications
    FROM ft_notification_status AS n
    JOIN levada.rollup_bucket AS b
      ON b.rollup = 'ft_notification_status' AND b.bucket_start = n.bucket_start AND b.in_totals
    WHERE n.bucket_end > :closed_through
    GROUP BY n.notification_type
) AS later USING (notification_type)
ORDER BY t.notification_type
