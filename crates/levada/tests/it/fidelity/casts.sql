-- Casts, as object-relational mappers make them, and what depends on them.
create type mood as enum ('sad', 'okay');
create cast (varchar as mood) with inout as implicit;
create function mood_number(mood) returns int language sql immutable strict
  return case $1 when 'sad' then 0 else 1 end;
create cast (mood as int) with function mood_number(mood) as assignment;
create table felt (feeling mood, note varchar);
insert into felt values ('sad', 'okay'), ('okay', 'sad');
create view as_numbers as select feeling::int as number, note::mood as noted from felt;
create index by_number on felt ((feeling::int));
