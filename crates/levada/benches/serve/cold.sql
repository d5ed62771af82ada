select :round as round, count(*) as days
from daily, pg_catalog.pg_sleep(0.2)
where bucket_end <= :closed_through
