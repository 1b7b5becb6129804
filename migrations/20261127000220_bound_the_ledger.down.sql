alter table changes drop constraint changes_period;
alter table history drop constraint history_period;
