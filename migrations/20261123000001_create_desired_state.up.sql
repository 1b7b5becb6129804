-- Desired state: what the sources asserted. Only the API writes these tables;
-- all writes of one tenant are serialised by an advisory lock, so `seq` order
-- is commit order and every snapshot holds a prefix of it (docs/adr/0001).

create table tenants (
    id         bigint generated always as identity primary key,
    name       text collate "C" not null unique,
    settings   jsonb not null default '{}',
    created_at timestamptz not null default now()
);

create table tokens (
    tenant_id    bigint not null references tenants (id) on delete cascade,
    id           uuid not null,
    name         text not null,
    scope        text not null check (scope in ('scim', 'content', 'operator')),
    source       text collate "C" not null,          -- namespace of externalId
    secret_hash  bytea not null unique,              -- SHA-256 of the secret
    prefix       text not null,                      -- first characters, to recognise it by
    created_at   timestamptz not null default now(),
    expires_at   timestamptz,
    last_used_at timestamptz,
    revoked_at   timestamptz,
    primary key (tenant_id, id)
);

create sequence change_seq;

-- One row per SCIM resource ever created; a deleted one stays as a tombstone
-- (`deleted_seq` set), because the directory still needs its last document.
create table scim_resources (
    tenant_id     bigint not null,
    id            uuid not null,
    kind          smallint not null check (kind in (1, 2)),  -- 1 User, 2 Group
    directory_id  uuid not null,            -- the person or team this resource describes
    document      jsonb not null,           -- canonical attributes; no id, meta, members, groups
    version       bigint not null,          -- ETag: W/"<version>"
    seq           bigint not null,          -- the change that made this version
    manager_seq   bigint,                   -- the change that last asserted `manager`
    additional_managers_seq bigint,         -- the change that last asserted `additionalManagers`
    source        text collate "C" not null,
    created_seq   bigint not null,          -- creation order, for stable listing
    created_at    timestamptz not null,
    modified_at   timestamptz not null,
    deleted_seq   bigint,
    primary key (tenant_id, id)
) with (fillfactor = 85);
create index scim_resources_directory on scim_resources (tenant_id, directory_id);
create unique index scim_resources_created on scim_resources (tenant_id, kind, created_seq) where deleted_seq is null;

-- One row per asserted group member: a membership change never rewrites a document.
create table scim_members (
    tenant_id    bigint not null,
    group_id     uuid not null,
    member       text collate "C" not null,  -- folded `value`: the key
    value        text not null,              -- `value` as asserted
    attributes   jsonb,                      -- display, type, $ref as asserted
    asserted_seq bigint not null,
    primary key (tenant_id, group_id, member)
);
create index scim_members_member on scim_members (tenant_id, member);

-- Every value a resource can be found or referred to by, now or earlier.
create table scim_keys (
    tenant_id    bigint not null,
    kind         smallint not null,          -- of the resource: 1 User, 2 Group
    attribute    smallint not null,          -- KeyAttribute, in order of precedence
    value        text collate "C" not null,  -- normalised by the attribute's own rules: uniqueness
    folded       text collate "C" not null,  -- folded whatever the attribute: what references match
    source       text collate "C" not null default '', -- namespace (externalId), else empty
    resource_id  uuid not null,
    directory_id uuid not null,
    from_seq     bigint not null,
    to_seq       bigint,                     -- null while held
    deleted      boolean not null default false, -- ended because the resource was deleted
    is_unique    boolean not null,
    primary key (tenant_id, resource_id, attribute, value, from_seq)
) with (fillfactor = 90);
create unique index scim_keys_holder on scim_keys (tenant_id, kind, attribute, value, source)
    where to_seq is null and is_unique;
create index scim_keys_folded on scim_keys (tenant_id, folded);

-- Identity and spelling of the teams that attribute values name, fixed by accept order.
create table team_names (
    tenant_id bigint not null,
    kind      text collate "C" not null,     -- department, division, cost_center
    folded    text collate "C" not null,
    name      text not null,                 -- as first accepted
    team_id   uuid not null,
    first_seq bigint not null,
    primary key (tenant_id, kind, folded)
);

-- Ledger of accepted writes: names of attributes, never values.
create table changes (
    tenant_id    bigint not null,
    seq          bigint not null,
    txn          uuid not null,              -- the receipt (UUIDv7) ...
    txn_index    int not null default 0,     -- ... and the operation's place in a bulk request
    resource_id  uuid not null,
    directory_id uuid not null,
    kind         smallint not null,          -- of the resource
    operation    text not null check (operation in ('create', 'replace', 'patch', 'delete')),
    unchanged    boolean not null default false, -- accepted, but asserted nothing new
    attributes   text[] not null,            -- names of what changed
    version      bigint not null,
    token_id     uuid,
    accepted_at  timestamptz not null,
    primary key (tenant_id, seq)
);
create index changes_txn on changes (tenant_id, txn, txn_index);
create index changes_resource on changes (tenant_id, resource_id, seq);
create index changes_accepted on changes using brin (accepted_at) with (pages_per_range = 32, autosummarize = on);

-- Outbox: what the directory has yet to catch up with; one row per change and key.
-- Accepting only inserts here, so it never waits for a worker.
create table pending (
    tenant_id   bigint not null,
    key_kind    smallint not null,           -- 1 person, 2 team, 3 member
    key_id      uuid not null,               -- person id, team id, or the team id of a member key
    member      text collate "C" not null default '',
    seq         bigint not null,
    lane        smallint not null,           -- 1 live, 2 bulk
    accepted_at timestamptz not null,
    due_at      timestamptz not null,        -- when the feeder may (again) push it; infinity: parked
    primary key (tenant_id, key_kind, key_id, member, seq)
) with (fillfactor = 80);
create index pending_due on pending (tenant_id, lane, due_at);
create index pending_seq on pending (tenant_id, seq);
