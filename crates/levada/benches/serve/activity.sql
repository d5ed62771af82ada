select y.network, count(*) as young_people, count(s.last_seen) as active,
       sum(s.events) as events, max(s.last_seen) as last_seen
from young_person as y
left join last_seen as s
  on s.user_id = y.id and s.user_kind = 'JEUNE' and s.last_seen <= :closed_through
group by y.network
order by y.network
