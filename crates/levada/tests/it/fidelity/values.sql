-- Values at the edge of what a type holds.
create table numbers (
  i2 int2, i4 int4, i8 int8, f4 float4, f8 float8, n numeric, n2 numeric(10, 2), m money, o oid
);
insert into numbers values
  (-32768, -2147483648, -9223372036854775808, 'NaN', '-Infinity', 'NaN', -0.005,
    '-92233720368547758.08', 0),
  (32767, 2147483647, 9223372036854775807, 'Infinity', 'NaN', 'Infinity', 99999999.99,
    '92233720368547758.07', 4294967295),
  (0, 0, 0, 1.17549435e-38, 2.2250738585072014e-308, '-Infinity', 0, '0', 1),
  (null, null, null, 3.4028235e38, 4.9e-324, ('1e' || 1000)::numeric, null, '12.34', null),
  (null, null, null, '-0', '-0', repeat('9', 900)::numeric / 7, 1.10, '1000.5', null),
  (null, null, null, 0.1, 0.1::float8 + 0.2, 0.000, null, null, null),
  (null, null, null, null, 1 / 3.0::float8, 1.2300, null, null, null);
create table times (d date, t time, tz timetz, ts timestamp, tstz timestamptz, i interval);
insert into times values
  ('infinity', '24:00:00', '23:59:59.999999-15:59', 'infinity', '-infinity', '178000000 years'),
  ('-infinity', '00:00', '24:00:00+15:59', '-infinity', 'infinity', '-178000000 years'),
  ('4714-11-24 BC', '12:34:56.789012', '12:00+05:45', '4714-11-24 00:00:00 BC',
    '4714-11-24 00:00:00+00 BC', '1 mon -1 day 00:00:00.000001'),
  ('5874897-12-31', null, null, '294276-12-31 23:59:59.999999', '294276-12-31 23:59:59.999999+00',
    '-1 year +2 mons -3 days 04:05:06.789'),
  ('0001-01-01', null, null, '1582-10-04 12:00', '2024-03-31 02:30:00 Europe/Paris', '0');
create table texts (id int, t text, v varchar(30), c char(10), "char" "char", n name);
insert into texts values
  (1, '', '', '', '', ''), (2, null, null, null, null, null),
  (3, E'a\tb\nc\rd\\e\bf\fg\vh', E'\\N', E'\\.', 'x', 'a"b'),
  (4, E'\\.\n\\.\r\n', 'NULL', 'null', E'\\001', repeat('n', 63)),
  (5, E'\\N\n\\N', ' leading', 'trail  ', '\', 'trail '),
  (6, 'é ü 漢字 👩‍👩‍👧 ' || chr(1) || chr(127) || chr(65279), 'ß', 'ÿ', null, 'ñ'),
  (7, repeat(E'long\n\t\\', 400000), repeat('v', 30), repeat('c', 10), null, null),
  (8, '{"a"} , (b) ; -- c', '''', '"', null, '''');
create table bytes (b bytea, bit bit(9), vb varbit, u uuid);
insert into bytes values
  ('', '000000000', '', '00000000-0000-0000-0000-000000000000'),
  ('\x00ff5c2e0a', '101010101', '1', 'ffffffff-ffff-ffff-ffff-ffffffffffff'),
  ((select string_agg(sha256(n::text::bytea), '') from generate_series(1, 100000) n),
    null, repeat('10', 3000)::varbit, null);
create table documents (j json, b jsonb, x xml, p jsonpath);
insert into documents values
  ('{"b":1, "b":2 , "a":[]}', '{"b": 1, "a": [1.10, null, true, "\u00e9 \" \\ \n"]}',
    '<a b="c">&lt;é</a>', '$.a[*] ? (@ > 1)'),
  ('null', 'null', 'only content, <b/> no document', '$'),
  ('""', '""', '', null),
  ('[1e400]', '[1e400, -0.0, 1E+2]', '<?xml version="1.0"?><!DOCTYPE a><a/>', 'strict $.x'),
  (null, (select jsonb_object_agg(n, repeat('v', n)) from generate_series(1, 1500) n), null, null);
create table searches (v tsvector, q tsquery);
insert into searches values
  (to_tsvector('simple', 'the ''quick'' brown \ fox'), '''fat rat'' & (cat:AB* | !dog) <2> bird'),
  ('''a b'':1A,5C ''c''''d'':16383', ''), ('', 'a <-> b'), (null, null);
create table networks (i inet, c cidr, m macaddr, m8 macaddr8);
insert into networks values
  ('192.168.1.5/24', '10.0.0.0/8', '08:00:2b:01:02:03', '08:00:2b:01:02:03:04:05'),
  ('::ffff:1.2.3.4/128', '2001:db8::/32', 'ff:ff:ff:ff:ff:ff', '00:00:00:00:00:00:00:00'),
  ('0.0.0.0/0', '::/0', null, null);
create table shapes (p point, l line, s lseg, b box, h path, g polygon, c circle);
insert into shapes values
  ('(1e300,-0)', '{1,-2,3}', '[(1,2),(3,4)]', '(3,4),(1,2)', '[(1,2),(3,4)]',
    '((0,0),(1,1),(1,0))', '<(1,2),3>'),
  ('(NaN,Infinity)', null, null, '(0.1,0.2),(0.1,0.2)', '((1,2),(3,4))', '((0,0))', '<(0,0),0>');
create table arrays (
  i int[], t text[], n numeric[], d date[], j jsonb[], b bytea[], u uuid[], bo box[], bit bit(3)[],
  m money[], x xml[], i2 int2vector, o oidvector, bools bool[], iv interval[]
);
insert into arrays values
  ('{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '', '', '{}', '{}'),
  ('[-1:1][2:3]={{1,2},{3,NULL},{5,6}}', array['', 'NULL', null, 'a,"b\', E'\n', '{}'],
    '{NaN,1.0,Infinity}', '{infinity,"0044-03-15 BC"}', array['{"a":"b"}', 'null', null]::jsonb[],
    array['\x00', '', null]::bytea[], array[gen_random_uuid()], '{(1,2),(0,0);(5,5),(4,4)}',
    '{101,010}', '{$1.50,NULL}', array['<a/>', ',']::xml[], '1 2 3', '4294967295 0', '{t,f,NULL}',
    '{"1 day",-1 mon}');
create table system_types (
  r regclass, t regtype, p regprocedure, o regoper, n regnamespace, l pg_lsn, s pg_snapshot,
  x xid, x8 xid8, c cid, tid tid
);
insert into system_types values
  ('numbers', 'shapes', 'upper(text)', '||/', 'public', 'FF/AB', '10:20:10,14', '4294967295',
    '18446744073709551615', '7', '(4294967294,65535)'),
  (0, 'int[]', 0, 0, 'pg_catalog', '0/0', null, '3', null, null, '(0,1)');
create table toasted (id int, plain text, raw text, packed bytea);
alter table toasted alter plain set storage main, alter raw set storage external;
insert into toasted select n, repeat(md5(n::text), 2000),
  (select string_agg(md5((n * i)::text), '') from generate_series(1, 500) i),
  decode(repeat(md5(n::text), 3000), 'hex') from generate_series(1, 20) n;
