with bounds as (
  select max(happened_at) as newest from engagement_event
)
insert into engagement_event
  (happened_at, category, action, name, user_id, user_kind, network, code)
select
  newest + random() * interval '1 day',
  (array['Offre', 'Action', 'Rendez-vous', 'Message', 'Favori', 'Recherche', 'Agenda'])[1 + h % 7],
  'Consultation', null,
  case when h % 10 < 8 then 'j' || (1 + floor(200000 * power(random(), 3))::int)
       else 'c' || (1 + floor(6000 * power(random(), 2))::int) end,
  case when h % 10 < 8 then 'JEUNE' else 'CONSEILLER' end,
  (array['MILO', 'POLE_EMPLOI', 'PASS_EMPLOI'])[1 + h % 3],
  'OFFRE_EMPLOI_AFFICHEE'
from bounds,
  (select i, hashint8extended(i, @seed@) & 2147483647 as h
   from generate_series(1, @events@) as i) as numbered
