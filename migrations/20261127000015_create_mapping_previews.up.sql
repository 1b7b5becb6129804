-- A change of a tenant's mapping, looked at before it is made: what a run under a candidate would
-- change that one under the mapping in force would not.

create table mapping_previews (
    tenant_id       bigint not null,
    id              uuid not null,           -- UUIDv7
    run_id          uuid not null,           -- compares under both mappings
    base_version    int not null,            -- the mapping in force when it was asked for
    document        jsonb not null,          -- the candidate
    seq             bigint not null,         -- the newest accepted write before it began
    token_id        uuid not null,           -- who asked
    note            text,
    at_most         jsonb,                   -- set: the candidate comes into force unless one of these counts is exceeded
    applied_version int,                     -- it did, as this version
    refused         text collate "C" check (refused in ('moved', 'exceeded', 'cancelled', 'incomplete')),
    created_at      timestamptz not null default now(),
    expires_at      timestamptz not null,
    primary key (tenant_id, id),
    foreign key (tenant_id, run_id) references runs (tenant_id, id) on delete cascade
);
alter table mapping_previews alter column tenant_id set statistics 0;

alter table run_samples drop constraint run_samples_kind_check;
alter table run_samples add constraint run_samples_kind_check
    check (kind in ('person', 'team', 'membership', 'line', 'waiting', 'deactivation'));
