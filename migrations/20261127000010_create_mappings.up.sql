-- How a tenant's Users become people, by version. Version 1, the default, has no row.
create table mappings (
    tenant_id  bigint not null references tenants (id) on delete cascade,
    version    int not null check (version > 1),
    document   jsonb not null,               -- as the operator wrote it; checked before it is stored
    created_at timestamptz not null default now(),
    token_id   uuid,                         -- whose
    note       text,
    named      boolean not null default false, -- teams it names in documents accepted before have their ids
    primary key (tenant_id, version)
);
alter table mappings alter column tenant_id set statistics 0;

-- Teams of a tenant's own kinds. Existing rows satisfy both constraints.
alter table teams drop constraint teams_kind_check,
    add constraint teams_kind_check check (kind ~ '^[a-z][a-z0-9_]{0,31}$') not valid;
alter table teams validate constraint teams_kind_check;
