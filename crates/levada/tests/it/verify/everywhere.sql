create table wide (id int primary key, x int);
insert into wide select n, 0 from generate_series(1, 150000) n;
create table word (w text);
insert into word select 'same' from generate_series(1, 300000);
