-- Messages of both tables with their day of London.
SELECT *, (created_at AT TIME ZONE 'UTC' AT TIME ZONE 'Europe/London')::date
AS day FROM (SELECT * FROM notifications UNION ALL SELECT * FROM notification_history) AS m
