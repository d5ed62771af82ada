-- A learning platform: names in quotes, with capitals and dashes, big tables that only grow, and
-- nine foreign keys. :n answers, half as many again "knowledge-elements", :n / 20 users.
\set ON_ERROR_STOP on
create type assessment_state as enum ('started', 'completed', 'aborted');

create table users (
  id bigserial primary key,
  "firstName" varchar(255),
  "lastName" varchar(255),
  email varchar(255) unique,
  username varchar(255) unique,
  "createdAt" timestamptz not null default now(),
  "updatedAt" timestamptz not null default now(),
  cgu boolean not null default true
);
create table organizations (
  id serial primary key,
  name varchar(255) not null,
  type varchar(255),
  "createdBy" bigint references users (id),
  "createdAt" timestamptz not null default now()
);
create table "schooling-registrations" (
  id bigserial primary key,
  "userId" bigint references users (id),
  "organizationId" int not null references organizations (id),
  "firstName" text,
  "lastName" text,
  birthdate date,
  "nationalStudentId" text unique
);
create table assessments (
  id bigserial primary key,
  "userId" bigint references users (id),
  state assessment_state not null,
  "createdAt" timestamptz not null,
  "updatedAt" timestamptz not null,
  "competenceId" varchar(255),
  method varchar(255)
);
create table answers (
  id bigserial primary key,
  value text,
  result text,
  "challengeId" varchar(255) not null,
  "assessmentId" bigint references assessments (id),
  "createdAt" timestamptz not null,
  timeout int,
  "resultDetails" text,
  "timeSpent" int,
  "isFocusedOut" boolean not null default false
);
create table "knowledge-elements" (
  id bigserial primary key,
  source text,
  status text,
  "createdAt" timestamptz not null,
  "answerId" bigint references answers (id),
  "assessmentId" bigint references assessments (id),
  "skillId" varchar(255),
  "earnedPix" real not null default 0,
  "userId" bigint references users (id),
  "competenceId" varchar(255)
);
create table "knowledge-element-snapshots" (
  id bigserial primary key,
  "userId" bigint not null references users (id),
  "snappedAt" timestamptz not null,
  snapshot jsonb not null,
  unique ("userId", "snappedAt")
);

insert into users ("firstName", "lastName", email, username, "createdAt", "updatedAt")
select
  'Prénom' || i, 'Nom' || i, 'u' || i || '@example.net',
  case when i % 3 = 0 then 'user.' || i end,
  timestamptz '2026-01-01 00:00+00' - i * interval '1 minute',
  timestamptz '2026-01-01 00:00+00' - i * interval '1 minute'
from generate_series(1, :n / 20) as i;

insert into organizations (name, type, "createdBy", "createdAt")
select
  'Org ' || i, (array['SCO', 'SUP', 'PRO'])[1 + i % 3], 1 + i % (:n / 20),
  timestamptz '2026-01-01 00:00+00' - i * interval '1 day'
from generate_series(1, 2000) as i;

insert into "schooling-registrations"
  ("userId", "organizationId", "firstName", "lastName", birthdate, "nationalStudentId")
select
  case when i % 5 > 0 then i end, 1 + i % 2000, 'P' || i, 'N' || i,
  date '2005-01-01' + i % 4000, 'INE' || i
from generate_series(1, :n / 20) as i;

insert into assessments ("userId", state, "createdAt", "updatedAt", "competenceId", method)
select
  1 + (i * 7919::bigint) % (:n / 20),
  (array['started', 'completed', 'aborted'])[1 + i % 3]::assessment_state,
  timestamptz '2026-01-01 00:00+00' - i * interval '1 second',
  timestamptz '2026-01-01 00:00+00' - i * interval '1 second',
  'comp' || i % 16, 'SMART_RANDOM'
from generate_series(1, :n / 10) as i;

insert into answers (value, result, "challengeId", "assessmentId", "createdAt", "timeSpent")
select
  'value ' || md5(i::text), (array['ok', 'ko', 'aband'])[1 + i % 3],
  'rec' || substr(md5((i % 5000)::text), 1, 14), 1 + i / 10 % (:n / 10),
  timestamptz '2026-01-01 00:00+00' - (:n - i) * interval '1 second', i % 300
from generate_series(1, :n) as i;

insert into "knowledge-elements" (
  source, status, "createdAt", "answerId", "assessmentId", "skillId", "earnedPix", "userId",
  "competenceId"
)
select
  (array['direct', 'inferred'])[1 + i % 2], (array['validated', 'invalidated'])[1 + i % 2],
  timestamptz '2026-01-01 00:00+00' - (:n - i) * interval '1 second',
  1 + i % :n, 1 + i / 15 % (:n / 10), 'skill' || i % 800, (i % 8) / 2.0,
  1 + (i / 15 % (:n / 10) * 7919::bigint) % (:n / 20), 'comp' || i % 16
from generate_series(1, :n * 3 / 2) as i;

insert into "knowledge-element-snapshots" ("userId", "snappedAt", snapshot)
select
  1 + i % (:n / 20), timestamptz '2026-01-01 00:00+00' - i * interval '1 minute',
  (
    select jsonb_agg(jsonb_build_object(
      'skillId', 'skill' || (i + k) % 800, 'status', 'validated', 'earnedPix', k))
    from generate_series(1, 40) as k
  )
from generate_series(1, :n / 50) as i;

create index answers_assessmentid_index on answers ("assessmentId");
create index knowledge_elements_userid_index on "knowledge-elements" ("userId");
create index "knowledge-elements_assessmentId_idx" on "knowledge-elements" ("assessmentId");
create index assessments_userid_index on assessments ("userId");
vacuum (analyze);
