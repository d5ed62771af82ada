select y.id, y.first_name, y.last_name, max(e.happened_at) as last_seen
from young_person as y
left join engagement_event as e on e.user_id = y.id and e.user_kind = 'JEUNE'
where y.adviser_id = $1
group by y.id, y.first_name, y.last_name
order by y.id
