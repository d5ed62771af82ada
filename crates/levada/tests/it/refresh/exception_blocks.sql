do $$
declare
  number int;
begin
  for number in select generate_series(1, 80) loop
    begin
      insert into entry (v, u) values ('block ' || number, nullif(number % 10, 0));
      update entry set v = v || '.' where id = 20 + number % 30;
      if number % 3 = 0 then
        delete from entry where v like 'block%' and number % 9 = 0;
        raise division_by_zero;
      end if;
    exception
      when division_by_zero then
        insert into entry (v) values ('caught ' || number);
      when unique_violation then
        insert into entry (v) values ('taken ' || number);
    end;
  end loop;
end $$
