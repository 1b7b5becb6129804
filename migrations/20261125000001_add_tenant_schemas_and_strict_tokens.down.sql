drop table tenant_schemas;
alter table tokens drop column strict;
