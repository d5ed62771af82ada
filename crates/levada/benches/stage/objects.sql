-- What stands beside the rows: indexes, constraints by kind, sequences; and how far the foreign
-- keys have been checked, which is where end states may differ.
with relation as (
  select c.oid, c.relkind
  from pg_class c
  join pg_namespace n on n.oid = c.relnamespace
  where n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'levada')
)
select 'indexes', count(*) from pg_index i join relation r on r.oid = i.indrelid where indisvalid
union all
select 'sequences', count(*) from relation where relkind = 'S'
union all
select 'constraints ' || contype::text, count(*)
from pg_constraint k join relation r on r.oid = k.conrelid group by contype
union all
select 'validated foreign keys', count(*)
from pg_constraint k join relation r on r.oid = k.conrelid where contype = 'f' and convalidated
