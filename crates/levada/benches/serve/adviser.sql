select y.id, y.first_name, y.last_name, s.last_seen
from young_person as y
left join last_seen as s
  on s.user_id = y.id and s.user_kind = 'JEUNE' and s.last_seen <= :closed_through
where y.adviser_id = :adviser
order by y.id
