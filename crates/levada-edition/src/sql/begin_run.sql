INSERT INTO levada.run (command, version, host, process)
VALUES ($1, $2, $3, $4)
RETURNING number
