alter table changes drop constraint changes_period;
alter table changes add constraint changes_period check (seq < 1099511627776) not valid;
alter table history drop constraint history_period;
alter table history add constraint history_period check (id < 1099511627776) not valid;
