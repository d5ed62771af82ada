CREATE SCHEMA ops; CREATE TABLE ops.target (goal int);
CREATE TABLE public.beside (goal int);
CREATE TABLE reports.scripted AS SELECT sum(n) AS n FROM reports.daily;
CREATE FUNCTION public.whenever() RETURNS int LANGUAGE sql STABLE AS 'SELECT 1';
CREATE VIEW reports.moment AS SELECT count(*) AS n FROM message WHERE at < now();
