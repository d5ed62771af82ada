select (select sum(events) from reports.daily) = (select count(*) from event) and
(select count(*) from event) > 0 and (select events from reports.daily_totals) =
(select sum(events) from reports.daily where bucket_start in (select bucket_start
from levada.rollup_bucket where rollup = 'daily' and in_totals)),
(select md5(string_agg(d::text, ',' order by bucket, kind)) from reports.daily d)
