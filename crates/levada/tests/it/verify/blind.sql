create collation blind (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
create table named (k text collate blind primary key, v text collate blind);
insert into named select 'key' || n, 'value' from generate_series(1, 200) n;
