UPDATE levada.edition
SET as_of = ($2::text)::timestamptz, snapshot = $3, lsn = $4, is_durable = $5
WHERE number = $1
