SELECT count(*), coalesce(sum(pg_catalog.hashtextextended(
           m.oid || ':' || page.position || ':'
           || encode(pg_catalog.sha256(lo_get(m.oid, page.position, 1048576)), 'hex'), 0)), 0)::text
FROM pg_largeobject_metadata AS m
CROSS JOIN LATERAL (
    SELECT opened.size
    FROM (SELECT lo_lseek64(o.fd, 0, 2) AS size, o.fd
          FROM (SELECT lo_open(m.oid, 262144) AS fd OFFSET 0) AS o
          OFFSET 0) AS opened
    WHERE lo_close(opened.fd) = 0
    OFFSET 0) AS measured
CROSS JOIN LATERAL generate_series(0::bigint, greatest(measured.size - 1, 0), 1048576)
    AS page(position)
WHERE @which@
