alter table tenants drop column settings_version;
