-- The settings of a tenant are changed against the version that was seen (If-Match).
alter table tenants add column settings_version bigint not null default 1;
