select lo_create(0);
select lo_from_bytea(4711, '');
select lo_from_bytea(0, 'small \000 '' \\');
select lo_from_bytea(3000000000, string_agg(sha256(n::text::bytea), '' order by n))
from generate_series(1, 90000) n;
select lo_from_bytea(12, string_agg(sha256(n::text::bytea), '' order by n))
from generate_series(1, 32768) n;
select lo_from_bytea(13, '');
select lo_put(13, 3000000, 'after a hole');
create table documents (id int, content oid);
insert into documents select 1, oid from pg_largeobject_metadata;
