-- `preview`: scope_id is the preview; `mapping`: everything, because of a new version of the mapping.
alter table runs drop constraint runs_scope_check,
    add constraint runs_scope_check
        check (scope in ('full', 'team', 'person', 'dates', 'preview', 'mapping'));
