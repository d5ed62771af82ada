DROP TABLE IF EXISTS levada.stage_merged;
CREATE UNLOGGED TABLE levada.stage_merged AS
SELECT @merged@
FROM levada.stage_again AS a
JOIN @table@ AS t ON @again_is_stored@
LEFT JOIN @left@ AS l ON @again_has_left@
LEFT JOIN @came@ AS c ON @again_came@
WHERE @is_exact@;
DELETE FROM levada.stage_again AS a USING levada.stage_merged AS m WHERE @again_is_merged@;
DELETE FROM @table@ AS t USING levada.stage_merged AS m WHERE @stored_is_merged@;
INSERT INTO @table@ (@columns@) SELECT @columns@ FROM levada.stage_merged WHERE source_rows > 0;
DROP TABLE levada.stage_merged
