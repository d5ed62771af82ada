-- Engagement events: one narrow table of :rows rows with a key and five secondary indexes, most of
-- them on text with many repetitions, beside the people that the events belong to.
\set ON_ERROR_STOP on
create table agency (
  id text primary key,
  name text not null,
  network text not null
);
insert into agency
select 'ag' || i, 'Agency ' || i, (array['MILO', 'POLE_EMPLOI', 'PASS_EMPLOI'])[1 + i % 3]
from generate_series(1, 500) as i;

create table adviser (
  id text primary key,
  last_name text not null,
  first_name text not null,
  email text unique,
  network text not null,
  agency_id text references agency (id),
  created_at timestamptz not null
);
insert into adviser
select
  'c' || i, 'Last' || i, 'First' || i, 'c' || i || '@example.org',
  (array['MILO', 'POLE_EMPLOI', 'PASS_EMPLOI'])[1 + i % 3],
  'ag' || (1 + i % 500),
  timestamptz '2026-01-01 00:00+00' - (i % 900) * interval '1 day'
from generate_series(1, 6000) as i;

create table young_person (
  id text primary key,
  last_name text not null,
  first_name text not null,
  email text,
  adviser_id text references adviser (id),
  network text not null,
  created_at timestamptz not null,
  last_seen_at timestamptz,
  preferences jsonb not null default '{}'
);
insert into young_person
select
  'j' || i, 'Last' || i, 'First' || i,
  case when i % 7 > 0 then 'j' || i || '@example.org' end,
  'c' || (1 + (i * 7919) % 6000),
  (array['MILO', 'POLE_EMPLOI', 'PASS_EMPLOI'])[1 + i % 3],
  timestamptz '2026-01-01 00:00+00' - (i % 700) * interval '1 day',
  timestamptz '2026-01-01 00:00+00' - (i % 60) * interval '1 day',
  jsonb_build_object('shares_favourites', i % 2 = 0, 'wants_alerts', i % 3 = 0)
from generate_series(1, 200000) as i;

create table engagement_event (
  id bigserial primary key,
  happened_at timestamptz not null,
  category text,
  action text,
  name text,
  user_id text not null,
  user_kind text not null,
  network text not null,
  code text
);
select setseed(0.42) \g /dev/null
-- Events arrive nearly in the order of time; a few people account for most of them.
insert into engagement_event
  (happened_at, category, action, name, user_id, user_kind, network, code)
select
  timestamptz '2026-01-01 00:00+00'
    - (365.0 * 86400 * (1 - i::float8 / :rows) + random() * 3600) * interval '1 second',
  (array[
    'Offre', 'Action', 'Rendez-vous', 'Message', 'Favori', 'Recherche', 'Agenda'
  ])[1 + hash % 7],
  (array[
    'Consultation', 'Création', 'Suppression', 'Partage', 'Enregistrement'
  ])[1 + (hash >> 3) % 5],
  (array['Emploi', 'Alternance', null])[1 + hash % 3],
  case
    when hash % 10 < 8 then 'j' || (1 + floor(200000 * power(random(), 3))::int)
    else 'c' || (1 + floor(6000 * power(random(), 2))::int)
  end,
  case when hash % 10 < 8 then 'JEUNE' else 'CONSEILLER' end,
  (array['MILO', 'POLE_EMPLOI', 'PASS_EMPLOI'])[1 + (hash >> 5) % 3],
  (array[
    'OFFRE_EMPLOI_AFFICHEE', 'OFFRE_ALTERNANCE_AFFICHEE', 'ACTION_CREEE_JEUNE', 'RDV_LISTE',
    'MESSAGE_ENVOYE', 'OFFRE_SAUVEGARDEE', 'RECHERCHE_OFFRE_EMPLOI'
  ])[1 + hash % 7]
from (
  select i, hashint8(i)::bigint & 2147483647 as hash from generate_series(1, :rows) as i
) as numbered;

create index on engagement_event (happened_at);
create index on engagement_event (user_id);
create index on engagement_event (user_kind, user_id);
create index on engagement_event (code);
create index on engagement_event (network, happened_at);
vacuum (analyze);
