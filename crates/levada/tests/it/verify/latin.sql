set client_encoding = 'UTF8';
create type mood as enum ('é', 'ü');
create table "été" (k text primary key, c char(4), m mood, j jsonb, a text[]);
insert into "été" values ('É', 'é', 'é', '["ü"]', '{ö}'), ('a', '', 'ü', null, null);
