alter table waiters drop column names_group;
drop table team_parts;
