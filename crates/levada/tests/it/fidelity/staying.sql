-- What serves the application stays in production; the rows it guards come along.
create table guarded (id int primary key, secret text);
alter table guarded enable row level security;
alter table guarded force row level security;
create policy nobody on guarded using (false);
create table audited (id int primary key, changes int default 0, at timestamptz);
create table log (id int, note text);
create function note_change() returns trigger language plpgsql as $$
begin
  insert into log values (new.id, 'changed');
  new.changes := new.changes + 1;
  return new;
end $$;
create trigger audit before insert or update on audited
  for each row execute function note_change();
create trigger whole after truncate on audited execute function note_change();
alter table audited disable trigger whole;
create constraint trigger checked after insert on audited deferrable initially deferred
  for each row execute function note_change();
comment on trigger audit on audited is 'stays';
comment on policy nobody on guarded is 'stays';
create rule keep as on delete to guarded do instead nothing;
create rule also as on update to log do also delete from guarded;
comment on rule keep on guarded is 'stays';
insert into guarded select n, 'secret ' || n from generate_series(1, 50) n;
insert into audited (id) select n from generate_series(1, 20) n;
create view shown as select id from guarded;
create function insert_shown() returns trigger language plpgsql as $$ begin return null; end $$;
create trigger instead instead of insert on shown for each row execute function insert_shown();
grant select on guarded to public;
alter default privileges grant select on tables to public;
create publication everything for all tables;
create publication parts for table guarded, log;
create function on_ddl() returns event_trigger language plpgsql as $$ begin end $$;
create event trigger watched on ddl_command_end execute function on_ddl();
create table partitioned (a int, b int) partition by list (a);
create table partition_1 partition of partitioned for values in (1);
create trigger each_row after insert on partitioned for each row execute function note_change();
alter table partition_1 disable trigger each_row;
