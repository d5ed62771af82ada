UPDATE levada.edition SET state = 'abandoned' WHERE number = @edition@;
DELETE FROM levada.table_state WHERE edition = @edition@;
DELETE FROM levada.step WHERE edition = @edition@
