-- Rows that were fine when they were written, and that a copy cannot load.
create function is_fine(text) returns boolean language sql immutable return true;
create function is_raised(text) returns boolean language sql immutable return true;
create function converted(text) returns int language sql immutable return 1;
create function dated(text) returns timestamptz language sql immutable return null::timestamptz;
create function cut(text) returns varchar language sql immutable return '';
create function searched(text) returns tsquery language sql immutable return null::tsquery;

create table checked (id int, t text check (is_fine(t)));
create table raising (id int, t text check (is_raised(t)));
create table converted (id int, t text, c int generated always as (converted(t)) stored);
create table dated (id int, t text, c timestamptz generated always as (dated(t)) stored);
create table too_long (id int, t text, c varchar(3) generated always as (cut(t)) stored);
create table searched (id int, t text, c tsquery generated always as (searched(t)) stored);
create function same(text) returns text language sql immutable return $1;
create table duplicated (id int, t text);
create unique index on duplicated (same(t));

create function violate(name text) returns void language plpgsql as $violate$
begin
  execute format($$insert into %I (id, t) values (987654321, 'S3cret & ( | S3cret'),
    (2, 's3cret & ( | s3cret')$$, name);
  create or replace function is_fine(text) returns boolean language sql immutable return false;
  create or replace function is_raised(text) returns boolean language plpgsql immutable as
    $$ begin raise exception 'not fine: %', $1 using detail = $1, hint = $1; end $$;
  create or replace function converted(text) returns int language sql immutable
    return $1::int;
  create or replace function dated(text) returns timestamptz language sql immutable
    return $1::timestamp at time zone 'UTC';
  create or replace function cut(text) returns varchar language plpgsql immutable
    as $$ declare v varchar(3); begin v := $1; return v; end $$;
  create or replace function searched(text) returns tsquery language sql immutable
    return to_tsquery('simple', $1);
  create or replace function same(text) returns text language sql immutable
    return pg_catalog.lower($1);
end $violate$;
