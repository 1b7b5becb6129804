delete from runs where scope = 'dates';
alter table runs drop constraint runs_scope_check,
    add constraint runs_scope_check check (scope in ('full', 'team', 'person'));
drop table schedule_ticks;
drop table schedules;
