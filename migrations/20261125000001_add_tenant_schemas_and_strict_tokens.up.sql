-- A strict token's requests are read as the RFCs say, without the tolerance for clients' habits.
alter table tokens add column strict boolean not null default false;

-- Extension schemas that a tenant's operators defined (RFC 7643 §7). Few, and read by every
-- process every few seconds.
create table tenant_schemas (
    tenant_id   bigint not null references tenants (id) on delete cascade,
    folded_urn  text collate "C" not null,      -- URNs are equal without regard to case
    definition  jsonb not null,                 -- as RFC 7643 §7 represents it, and what it extends
    version     bigint not null,                -- ETag: W/"<version>"
    created_at  timestamptz not null default now(),
    modified_at timestamptz not null default now(),
    primary key (tenant_id, folded_urn)
);
alter table tenant_schemas alter column tenant_id set statistics 0;
