-- The definitions of a database, one line each. Leaves out what levada does not carry (owners,
-- grants, triggers, policies, publications) and whatever belongs to an extension.
set search_path = pg_catalog;
with
user_schema as (
  select oid, nspname
  from pg_namespace
  where nspname !~ '^pg_' and nspname not in ('information_schema', 'levada')
),
member as (
  select classid, objid from pg_depend where deptype = 'e'
),
relation as (
  select c.*, n.nspname, format('%I.%I', n.nspname, c.relname) as name
  from pg_class c
  join user_schema n on n.oid = c.relnamespace
  where c.oid not in (select objid from member where classid = 'pg_class'::regclass)
),
line (kind, name, definition) as (
  select 'schema', nspname::text, ''
  from user_schema
  where oid not in (select objid from member where classid = 'pg_namespace'::regclass)
  union all
  select 'extension', extname, 'in ' || extnamespace::regnamespace
  from pg_extension
  where extname <> 'plpgsql'
  union all
  select 'relation', name, concat_ws(' ',
    'kind=' || relkind::text, 'persistence=' || relpersistence::text,
    'options=' || reloptions::text, 'identity=' || relreplident::text,
    'partition_by=' || pg_get_partkeydef(oid), 'bounds=' || pg_get_expr(relpartbound, oid))
  from relation
  where relkind in ('r', 'p', 'v', 'm', 'f')
  union all
  select 'inherits', child.name, format('%s #%s', inhparent::regclass, inhseqno)
  from pg_inherits
  join relation child on child.oid = inhrelid
  where child.relkind in ('r', 'p', 'f')
  union all
  select 'column', format('%s.%I', r.name, a.attname), concat_ws(' ',
    '#' || row_number() over (partition by a.attrelid order by a.attnum),
    format_type(a.atttypid, a.atttypmod),
    case when a.attnotnull then 'not null' end,
    'collate ' || nullif(a.attcollation, t.typcollation)::regcollation,
    'default ' || pg_get_expr(d.adbin, d.adrelid),
    'identity=' || nullif(a.attidentity, '')::text,
    'generated=' || nullif(a.attgenerated, '')::text,
    'storage=' || nullif(a.attstorage, t.typstorage)::text,
    'compression=' || nullif(a.attcompression, '')::text,
    'statistics=' || nullif(a.attstattarget, -1),
    'options=' || a.attoptions::text)
  from relation r
  join pg_attribute a on a.attrelid = r.oid and a.attnum > 0 and not a.attisdropped
  join pg_type t on t.oid = a.atttypid
  left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
  where r.relkind in ('r', 'p', 'v', 'm', 'f', 'c')
  union all
  select 'index', r.name, concat_ws(' ', pg_get_indexdef(i.indexrelid),
    case when not i.indisvalid then 'INVALID' end,
    case when i.indisclustered then 'clustered' end,
    case when i.indisreplident then 'replica identity' end)
  from relation r
  join pg_index i on i.indexrelid = r.oid
  union all
  -- Since 18 a NOT NULL is a constraint too; the column's line tells it on every version.
  select 'constraint', format('%s on %s', quote_ident(c.conname),
    coalesce(r.name, c.contypid::regtype::text)), pg_get_constraintdef(c.oid)
  from pg_constraint c
  left join relation r on r.oid = c.conrelid
  where c.contype not in ('n', 't')
    and c.connamespace in (select oid from user_schema)
    and (c.conrelid = 0 or r.oid is not null)
    and c.contypid not in (select objid from member where classid = 'pg_type'::regclass)
  union all
  select 'view', name, pg_get_viewdef(oid)
  from relation
  where relkind in ('v', 'm')
  union all
  select 'sequence', r.name, concat_ws(' ', s.seqtypid::regtype, 'start', s.seqstart,
    'increment', s.seqincrement, 'min', s.seqmin, 'max', s.seqmax, 'cache', s.seqcache,
    case when s.seqcycle then 'cycle' end,
    'owned by ' || pg_describe_object(o.refclassid, o.refobjid, o.refobjsubid))
  from relation r
  join pg_sequence s on s.seqrelid = r.oid
  left join pg_depend o on o.classid = 'pg_class'::regclass and o.objid = r.oid
    and o.refclassid = 'pg_class'::regclass and o.refobjsubid > 0 and o.deptype in ('a', 'i')
  union all
  select 'statistics', format('%s.%s', stxnamespace::regnamespace, quote_ident(stxname)),
    concat_ws(' ', pg_get_statisticsobjdef(oid), 'target=' || nullif(stxstattarget, -1))
  from pg_statistic_ext
  where stxnamespace in (select oid from user_schema)
  union all
  select 'type', t.oid::regtype::text, case t.typtype
    when 'e' then (
      select 'enum ' || string_agg(quote_literal(enumlabel), ', ' order by enumsortorder)
      from pg_enum where enumtypid = t.oid)
    when 'd' then concat_ws(' ', 'domain', format_type(t.typbasetype, t.typtypmod),
      case when t.typnotnull then 'not null' end, 'default ' || t.typdefault)
    when 'r' then (select 'range of ' || rngsubtype::regtype from pg_range where rngtypid = t.oid)
    else 'composite' end
  from pg_type t
  where t.typnamespace in (select oid from user_schema)
    and (t.typtype in ('e', 'd', 'r')
      or t.typtype = 'c' and (select relkind from pg_class where oid = t.typrelid) = 'c')
    and t.oid not in (select objid from member where classid = 'pg_type'::regclass)
  union all
  select 'function', p.oid::regprocedure::text,
    case when p.prokind = 'a' then 'aggregate' else pg_get_functiondef(p.oid) end
  from pg_proc p
  where p.pronamespace in (select oid from user_schema)
    and p.oid not in (select objid from member where classid = 'pg_proc'::regclass)
  union all
  select 'collation', oid::regcollation::text, collcollate
  from pg_collation
  where collnamespace in (select oid from user_schema)
  union all
  select 'comment', format('%s %s', o.type, o.identity), d.description
  from pg_description d,
    pg_identify_object(d.classoid, d.objoid, d.objsubid) o
  where d.objoid >= 16384
    and o.schema is distinct from 'levada'
    and o.identity <> 'levada'
    and (d.classoid, d.objoid) not in (select classid, objid from member)
    and d.classoid <> 'pg_extension'::regclass
)
select replace(replace(concat_ws(' ', kind, name || ':', definition), E'\n', '\n'), E'\r', '\r')
from line
