-- What a night does: receipts, old messages move to the history, test messages go.
BEGIN;
UPDATE notifications SET notification_status = 'delivered', updated_at = now()
WHERE notification_status = 'sending' AND created_at < now() AT TIME ZONE 'UTC' - interval '1 day'
  AND id::text < '8';
UPDATE notification_history SET notification_status = 'permanent-failure'
WHERE notification_status = 'sending';
WITH moved AS (DELETE FROM notifications WHERE key_type <> 'test'
               AND created_at < now() AT TIME ZONE 'UTC' - interval '5 days' RETURNING *)
INSERT INTO notification_history SELECT * FROM moved;
DELETE FROM notifications WHERE key_type = 'test'
   AND created_at < now() AT TIME ZONE 'UTC' - interval '5 days';
COMMIT
