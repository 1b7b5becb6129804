-- Actual state: the directory. Only workers write these tables.

create table people (
    tenant_id       bigint not null,
    id              uuid not null,
    resource_id     uuid not null,           -- the SCIM User last applied
    status          text not null check (status in ('active', 'deactivated', 'deprovisioned')),
    login           text,
    email           text,
    further_emails  jsonb not null default '[]',  -- array of strings
    external_id     text,
    employee_number text,
    first_name      text,
    last_name       text,
    display_name    text,
    position        text,
    level           text,
    location        text,
    gender          text,
    start_date      date,
    end_date        date,
    birthday        date,
    employment_type text,
    photo_url       text,
    custom          jsonb not null default '{}',
    applied_mapping int not null,
    applied_seq     bigint not null,         -- the change whose document this row shows
    created_at      timestamptz not null default now(),
    updated_at      timestamptz not null default now(),
    primary key (tenant_id, id)
) with (fillfactor = 85);

create table teams (
    tenant_id   bigint not null,
    id          uuid not null,
    kind        text collate "C" not null check (kind in ('group', 'department', 'division', 'cost_center')),
    folded      text collate "C",            -- identity of an attribute team; null for groups
    name        text not null,
    external_id text,
    resource_id uuid,                        -- the SCIM Group; null for attribute teams
    deleted     boolean not null default false, -- its group is gone; kept so that its id stays taken
    applied_seq bigint not null default 0,
    created_at  timestamptz not null default now(),
    updated_at  timestamptz not null default now(),
    primary key (tenant_id, id)
);
create unique index teams_attribute on teams (tenant_id, kind, folded) where folded is not null;

create table team_members (
    tenant_id bigint not null,
    team_id   uuid not null,
    person_id uuid not null,
    source    text collate "C" not null,     -- 'department' …, or 'member:<folded value>' of a group
    since     timestamptz not null default now(),
    -- this order, so that one member of a large group is found without reading the others
    primary key (tenant_id, team_id, source, person_id),
    foreign key (tenant_id, team_id) references teams (tenant_id, id),
    foreign key (tenant_id, person_id) references people (tenant_id, id)
);
create index team_members_person on team_members (tenant_id, person_id);

create table reporting_lines (
    tenant_id    bigint not null,
    person_id    uuid not null,
    slot         smallint not null check (slot in (1, 2)),  -- 1 manager, 2 additional manager
    ordinal      smallint not null,          -- place in the asserted list, from 0
    manager_id   uuid not null,
    reference    text not null,              -- as asserted
    asserted_seq bigint not null,
    flag         text check (flag in ('self', 'cycle')),
    since        timestamptz not null default now(),
    primary key (tenant_id, person_id, slot, ordinal),
    foreign key (tenant_id, person_id) references people (tenant_id, id),
    foreign key (tenant_id, manager_id) references people (tenant_id, id)
);
create index reporting_lines_manager on reporting_lines (tenant_id, manager_id);

-- Links whose target is not there yet. Waiting is not failing.
create table waiters (
    tenant_id       bigint not null,
    subject_id      uuid not null,           -- the person, or the team of a member link
    slot            smallint not null,       -- 1 manager, 2 additional manager, 3 member, 4 team
    place           text collate "C" not null, -- ordinal of a manager, folded value of a member
    reference       text not null,           -- as asserted
    wait_key        text collate "C" not null, -- folded reference, or 'person:<id>' once it is known who
    reason          text not null check (reason in ('missing', 'ambiguous', 'not_applied', 'deprovisioned')),
    asserted_seq    bigint not null,
    since           timestamptz not null default now(),
    attempts        int not null default 0,
    next_attempt_at timestamptz,             -- null: stale, woken but no longer retried
    primary key (tenant_id, subject_id, slot, place)
) with (fillfactor = 80);
create index waiters_wait_key on waiters (tenant_id, wait_key);
create index waiters_due on waiters (next_attempt_at) where next_attempt_at is not null;

-- Keys that became referable, one row per reconciled batch; consumed after its commit,
-- or by the feeder when the worker died in between.
create table wakes (
    id         bigint generated always as identity primary key,
    tenant_id  bigint not null,
    keys       text[] not null,
    created_at timestamptz not null default now()
);

-- Values that cannot be projected; the field keeps its last applied value.
create table rejections (
    tenant_id   bigint not null,
    resource_id uuid not null,
    rule        text not null,               -- the directory field it was meant for
    value_hash  bytea not null,
    reason      text not null,               -- names the attribute, never the value
    seq         bigint not null,
    since       timestamptz not null default now(),
    primary key (tenant_id, resource_id, rule)
);

-- One row per apply and subject: which change was applied when, and what it did.
create table history (
    id              bigint generated always as identity primary key,
    tenant_id       bigint not null,
    key_kind        smallint not null,       -- as in pending
    key_id          uuid not null,
    member          text collate "C" not null default '',
    seq             bigint not null,         -- the highest change this apply covers
    mapping_version int not null,
    fields          jsonb not null,          -- {field: [old, new]}; {} when nothing differed
    applied_at      timestamptz not null default now()
);
create index history_subject on history (tenant_id, key_id, seq);
create index history_applied on history using brin (applied_at) with (pages_per_range = 32, autosummarize = on);

-- Keys whose reconcile failed; written only on failure or on an expired lease.
create table key_failures (
    tenant_id  bigint not null,
    key_kind   smallint not null,
    key_id     uuid not null,
    member     text collate "C" not null default '',
    attempts   int not null,
    error      text not null,                -- class of the error, without values
    parked     boolean not null default false,
    updated_at timestamptz not null default now(),
    primary key (tenant_id, key_kind, key_id, member)
);
