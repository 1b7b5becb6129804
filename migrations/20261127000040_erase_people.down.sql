drop index history_member;
drop index scim_resources_retained;
alter table scim_resources drop column retained_since;

update changes set operation = 'delete' where operation = 'erase';
alter table changes drop constraint changes_operation_check;
alter table changes add constraint changes_operation_check
    check (operation in ('create', 'replace', 'patch', 'delete'));

alter table people drop column erased_by, drop column erased_at;
