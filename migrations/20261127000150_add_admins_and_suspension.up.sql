-- Admins manage tenants (docs/adr/0019). Their tokens, and the log of what they do, belong to the
-- instance: a row of its own among the tenants, with an id and a name that no tenant can have.
update tenants set name = 'tenant ' || id where name = '';
insert into tenants (id, name) overriding system value values (0, '');

alter table tokens drop constraint tokens_scope_check,
    add constraint tokens_scope_check check (scope in ('scim', 'content', 'operator', 'admin')) not valid,
    add constraint tokens_admin_check check ((scope = 'admin') = (tenant_id = 0)) not valid;
alter table tokens validate constraint tokens_scope_check;
alter table tokens validate constraint tokens_admin_check;

alter table tenants add column suspended_at timestamptz; -- its tokens read and change nothing since
