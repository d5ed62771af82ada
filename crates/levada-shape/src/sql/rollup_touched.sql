SELECT (extract(epoch FROM min(at) FILTER (WHERE at >= '1970-01-01Z' AND isfinite(at)))
        * 1000000)::bigint AS first,
       (extract(epoch FROM max(at) FILTER (WHERE at >= '1970-01-01Z' AND isfinite(at)))
        * 1000000)::bigint AS last,
       coalesce(sum(rows) FILTER (WHERE at IS NULL OR at < '1970-01-01Z'), 0)::bigint AS outside
FROM @touched@
