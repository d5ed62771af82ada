UPDATE @table@ AS t SET @settings@, cells = t.cells + d.cells
FROM levada.stage_totals AS d
WHERE @same@;
INSERT INTO @table@ (@columns@)
SELECT @columns@
FROM levada.stage_totals AS d
WHERE NOT EXISTS (SELECT FROM @table@ AS t WHERE @same@) AND @is_of_pattern@
