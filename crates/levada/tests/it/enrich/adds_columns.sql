CREATE TABLE IF NOT EXISTS flags (id int PRIMARY KEY);
ALTER TABLE flags ADD COLUMN IF NOT EXISTS is_loud boolean;
ALTER TABLE event ADD COLUMN IF NOT EXISTS is_seen boolean DEFAULT true;
SET search_path = '';
SET lock_timeout = 0;
