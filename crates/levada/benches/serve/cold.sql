select :round as round, count(*) as days from daily, pg_catalog.pg_sleep(0.2)
