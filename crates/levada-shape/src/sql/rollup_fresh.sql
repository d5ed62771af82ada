-- What nobody had before is what came.
WITH fresh AS (
    DELETE FROM levada.stage_again AS a
    WHERE @is_of_pattern@
      AND NOT EXISTS (SELECT FROM @table@ AS t WHERE @again_is_stored@)
      AND NOT EXISTS (SELECT FROM @left@ AS l WHERE @again_has_left@)
    RETURNING a.*
)
INSERT INTO @table@ (@columns@)
SELECT @came_columns@
FROM @came@ AS c
JOIN fresh AS f ON @fresh_came@
