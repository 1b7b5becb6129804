delete from runs where scope in ('preview', 'mapping');
alter table runs drop constraint runs_scope_check,
    add constraint runs_scope_check check (scope in ('full', 'team', 'person', 'dates'));
