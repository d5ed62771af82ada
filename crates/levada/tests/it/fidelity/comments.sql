-- A comment on everything that takes one and comes along.
create schema noted;
comment on schema noted is 'a schema';
set search_path = noted;
create type mood as enum ('a'); comment on type mood is E'type\nof two lines';
create type pair as (a int, b int); comment on type pair is 'composite';
comment on column pair.a is 'attribute';
create domain d as int constraint c check (value > 0); comment on domain d is 'domain';
comment on constraint c on domain d is 'of a domain';
create type span as range (subtype = int); comment on type span is 'range';
create sequence s; comment on sequence s is 'sequence''s';
create table t (id int constraint k primary key, a int unique, b int,
  constraint positive check (b > 0));
create table u (t int constraint f references t, t2 int references t (a));
comment on table t is 'table \ with backslash, -- dashes; $$ and ''quotes''';
comment on column t.id is '--
-- Name: fake; Type: TABLE; Schema: public; Owner: -
--
';
comment on column t.b is 'é 漢字 👩‍👩‍👧';
comment on constraint k on t is 'primary key';
comment on constraint t_a_key on t is 'unique key';
comment on constraint positive on t is 'check';
comment on constraint f on u is 'foreign key';
comment on index k is 'index of the key';
create index i on t (b); comment on index i is 'index';
create view v as select id from t; comment on view v is 'view'; comment on column v.id is 'id';
insert into t values (1, 1, 1);
create materialized view m as select id from t; comment on materialized view m is 'm';
create index mi on m (id); comment on index mi is 'of m';
comment on column m.id is 'id of m';
create function f(int) returns int language sql return 1; comment on function f(int) is 'function';
create procedure p() language sql as ''; comment on procedure p() is 'procedure';
create aggregate g(int) (sfunc = int4pl, stype = int); comment on aggregate g(int) is 'aggregate';
create operator === (leftarg = int, rightarg = int, function = int4eq);
comment on operator === (int, int) is 'operator';
create statistics st on a, b from t; comment on statistics st is 'statistics';
create collation co from "C"; comment on collation co is 'collation';
create table p_t (a int primary key) partition by range (a);
create table p_1 partition of p_t for values from (0) to (5);
comment on table p_t is 'partitioned'; comment on table p_1 is 'partition';
comment on index p_1_pkey is 'key of a partition'; comment on constraint p_t_pkey on p_t is 'key';
comment on column p_1.a is 'column of a partition';
insert into u values (1, 1);
insert into p_t values (1);
