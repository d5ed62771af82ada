SELECT count(lo_unlink(m.oid)) FROM pg_largeobject_metadata AS m;
SELECT count(lo_create(p.large_object))
FROM (SELECT DISTINCT large_object FROM levada.large_object_page) AS p;
SELECT count(lo_put(p.large_object, p.position, p.data)) FROM levada.large_object_page AS p;
TRUNCATE levada.large_object_page
