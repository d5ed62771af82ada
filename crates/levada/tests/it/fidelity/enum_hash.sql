-- The hash of an enum's value is that of its object id, which differs in every database.
create type mood as enum ('sad', 'okay', 'happy', 'other', 'none', 'any', 'all', 'some');
create table felt (id int, feeling mood, note text) partition by hash (feeling);
create table felt_0 partition of felt for values with (modulus 3, remainder 0);
create table felt_1 partition of felt for values with (modulus 3, remainder 1);
create table felt_2 partition of felt for values with (modulus 3, remainder 2);
insert into felt
select n, (enum_range(null::mood))[1 + n % 8], 'note ' || n from generate_series(1, 1000) n;
create index felt_by_note on felt (note);
