-- Two databases that write and read nearly everything in different ways.
create database latin_source encoding 'LATIN1' locale 'C' template template0;
create database latin_target;
alter database latin_source set datestyle = 'SQL, DMY';
alter database latin_source set extra_float_digits = -10;
alter database latin_source set intervalstyle = 'sql_standard';
alter database latin_target set xmloption = document;
alter database latin_target set timezone = 'America/St_Johns';
