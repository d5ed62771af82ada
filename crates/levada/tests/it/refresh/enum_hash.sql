create type mood as enum ('sad', 'okay', 'happy', 'other', 'none', 'any', 'all', 'some');
create table felt (id int, feeling mood, note text, primary key (id, feeling))
  partition by hash (feeling);
create table felt_0 partition of felt for values with (modulus 3, remainder 0);
create table felt_1 partition of felt for values with (modulus 3, remainder 1);
create table felt_2 partition of felt for values with (modulus 3, remainder 2);
create table felt_keyless (feeling mood, note text) partition by hash (feeling);
create table felt_keyless_0 partition of felt_keyless for values with (modulus 2, remainder 0);
create table felt_keyless_1 partition of felt_keyless for values with (modulus 2, remainder 1);
insert into felt select n, (enum_range(null::mood))[1 + n % 8], 'note ' || n
from generate_series(1, 400) n;
insert into felt_keyless select (enum_range(null::mood))[1 + n % 8], 'note ' || n % 50
from generate_series(1, 400) n;
-- edition
update felt set feeling = 'sad' where id % 10 = 1;
update felt_keyless set feeling = 'some' where note = 'note 7';
-- edition
delete from felt where id between 100 and 150;
delete from felt_keyless where note = 'note 9';
insert into felt values (100, 'any', 'again'), (1000, 'none', 'new');
-- edition
truncate felt_0, felt_keyless_1;
