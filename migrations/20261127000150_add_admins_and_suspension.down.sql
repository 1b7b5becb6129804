-- What admins did stays in the audit log.
alter table tenants drop column suspended_at;
delete from tokens where tenant_id = 0;
alter table tokens drop constraint tokens_admin_check,
    drop constraint tokens_scope_check,
    add constraint tokens_scope_check check (scope in ('scim', 'content', 'operator'));
delete from tenants where id = 0;
