-- A tenant that appeared, or grew, after the last ANALYZE is not among the most common values of
-- tenant_id, so Postgres expects it to have a single row and takes any index that begins with the
-- tenant for as good as the right one: a statement about 500 keys then reads everything the tenant
-- has, 500 times. Without statistics of the column, every tenant counts as a 200th of the table,
-- and the index that matches more columns wins (docs/adr/0006).
alter table tokens alter column tenant_id set statistics 0;
alter table scim_resources alter column tenant_id set statistics 0;
alter table scim_members alter column tenant_id set statistics 0;
alter table scim_keys alter column tenant_id set statistics 0;
alter table team_names alter column tenant_id set statistics 0;
alter table changes alter column tenant_id set statistics 0;
alter table pending alter column tenant_id set statistics 0;
alter table people alter column tenant_id set statistics 0;
alter table teams alter column tenant_id set statistics 0;
alter table team_members alter column tenant_id set statistics 0;
alter table reporting_lines alter column tenant_id set statistics 0;
alter table waiters alter column tenant_id set statistics 0;
alter table wakes alter column tenant_id set statistics 0;
alter table rejections alter column tenant_id set statistics 0;
alter table history alter column tenant_id set statistics 0;
alter table key_failures alter column tenant_id set statistics 0;
