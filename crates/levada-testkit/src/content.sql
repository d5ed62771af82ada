-- One statement per relation, each answering: name, rows, digest. Written to be told apart from
-- levada's own digests: another hash input (the row as text), another sum, another client.
with extension_member as (
  select objid from pg_depend where classid = 'pg_class'::regclass and deptype = 'e'
),
relation as (
  select c.oid, c.relkind, c.relispopulated, format('%I.%I', n.nspname, c.relname) as name
  from pg_class c
  join pg_namespace n on n.oid = c.relnamespace
  where n.nspname !~ '^pg_'
    and n.nspname not in ('information_schema', 'levada')
    and c.relkind in ('r', 'm', 'S')
    and c.oid not in (select objid from extension_member)
)
select case
  when relkind = 'S' then format(
    'select %L, 1, concat_ws('','', last_value, is_called) from %s', 'sequence ' || name, name)
  when not relispopulated then format(
    'select %L, 0, ''not populated''', 'materialized view ' || name)
  else format(
    'select %L, count(*), coalesce(sum(hashtextextended("levada row"::text, 0)::numeric), 0)'
    ' from %s%s as "levada row"',
    case relkind when 'r' then 'table ' else 'materialized view ' end || name,
    case relkind when 'r' then 'only ' else '' end,
    name)
  end
from relation
union all
select format('select %L, 1, md5(lo_get(%s))', 'large object ' || oid, oid)
from pg_largeobject_metadata
