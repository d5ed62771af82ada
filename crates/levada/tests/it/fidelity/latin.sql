create table "été" (id int primary key, t text, m money, d date, f float8, x xml, i interval);
insert into "été" values
  (1, 'Ünïcödé ÿ£', '12.34', '2024-01-02', 1 / 3.0::float8, 'no <document/>', '-1 mon +2 days'),
  (2, E'\\', '-0.01', '0044-03-15 BC', 'NaN', null, '1 day -00:00:01');
create table as_text (x xml, f float8, d date, at timestamptz, i interval, m money, b bytea);
insert into as_text values
  ('a <b/>', 0.1::float8 + 0.2, '2024-02-01', '2024-07-01 12:00+02', '-1 year 2 mons', '7.5',
    '\xff');
