select y.network, count(distinct y.id) as young_people, count(distinct e.user_id) as active,
       count(e.id) as events, max(e.happened_at) as last_seen
from young_person as y
left join engagement_event as e on e.user_id = y.id and e.user_kind = 'JEUNE'
group by y.network
order by y.network
