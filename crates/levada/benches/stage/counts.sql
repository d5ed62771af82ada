-- A query for each table of a user, answering its name and its number of rows.
select format('select %L, count(*) from only %s', c.oid::regclass, c.oid::regclass)
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
where c.relkind = 'r' and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'levada')
order by c.oid::regclass::text
