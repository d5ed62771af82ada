-- What the types of the tests are made of; @labels@ come in another order on the target.
create extension citext;
create extension hstore;
create type mood as enum (@labels@);
create domain moody as mood;
create domain amount as numeric;
create domain label as text;
create type place as (name text, n numeric, f float8[]);
-- A cast to text that hides what differs.
create type vague as (x int);
create function hide(vague) returns text immutable language sql as $$ select 'same' $$;
create cast (vague as text) with function hide(vague);
