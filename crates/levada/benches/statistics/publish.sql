select extract(epoch from max(finished_at) - min(started_at))
from levada.work
where run = (select max(number) from levada.run) and category in ('APPLY', 'ROLLUP', 'PUBLISH')
