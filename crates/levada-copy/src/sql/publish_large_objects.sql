SELECT count(lo_unlink(l.id))
FROM levada.large_object AS l
WHERE EXISTS (SELECT FROM pg_largeobject_metadata AS m WHERE m.oid = l.id);
TRUNCATE levada.large_object;
INSERT INTO levada.large_object SELECT DISTINCT large_object FROM levada.large_object_page;
SELECT count(lo_create(l.id)) FROM levada.large_object AS l;
SELECT count(lo_put(p.large_object, p.position, p.data)) FROM levada.large_object_page AS p;
TRUNCATE levada.large_object_page
