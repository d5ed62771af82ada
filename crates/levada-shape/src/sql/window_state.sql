SELECT w.definition_hash,
       to_char(w.lower_bound AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS lower_bound,
       to_char(w.upper_bound AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS upper_bound,
       w.rows
FROM levada.report_window AS w
-- An edition that was made without the window in between would have changed it unseen.
JOIN levada.edition AS e ON e.number = $2 AND e.base = w.edition
WHERE w.name = $1
