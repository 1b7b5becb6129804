-- By itself: everybody reads and writes meanwhile.
alter table changes validate constraint changes_period;
alter table history validate constraint history_period;
