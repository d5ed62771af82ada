SELECT (extract(epoch FROM min(at) FILTER (WHERE at >= '@floor@'::timestamptz AND isfinite(at)))
        * 1000000)::bigint AS first,
       (extract(epoch FROM max(at) FILTER (WHERE at >= '@floor@'::timestamptz AND isfinite(at)))
        * 1000000)::bigint AS last,
       coalesce(sum(rows) FILTER (WHERE at IS NULL OR at < '@floor@'::timestamptz
                                         OR at = 'infinity'),
                0)::bigint AS outside
FROM @touched@
