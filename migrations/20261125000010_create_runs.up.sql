-- Resync runs: the whole directory, a team or a person compared with what the sources asserted.

create table runs (
    tenant_id      bigint not null,
    id             uuid not null,            -- UUIDv7: newest last
    scope          text collate "C" not null check (scope in ('full', 'team', 'person')),
    scope_id       uuid,                     -- the team or person; null: everybody
    dry_run        boolean not null,         -- compares, writes nothing
    phase          text collate "C" not null default 'plan'
        check (phase in ('plan', 'reconcile', 'links', 'report', 'done')),
    cancelled      boolean not null default false,
    created_at     timestamptz not null default now(),
    started_at     timestamptz,              -- planned
    finished_at    timestamptz,
    due_at         timestamptz not null default now(), -- when the feeder may (again) push its next step
    links_resolved int not null default 0,   -- links woken by what the run wrote
    report         jsonb,                    -- counts only
    primary key (tenant_id, id)
);
alter table runs alter column tenant_id set statistics 0;
-- A scope has one run under way; whoever starts a second is shown the first.
create unique index runs_under_way on runs (tenant_id, scope, scope_id, dry_run) nulls not distinct
    where phase <> 'done';
create index runs_due on runs (due_at) where phase <> 'done';

-- The parts of a run, gone once it has its report. A part's result is committed with what the part
-- wrote, so that a part done twice counts once.
create table run_chunks (
    tenant_id     bigint not null,
    run_id        uuid not null,
    chunk         int not null,
    kind          smallint not null check (kind between 1 and 4), -- 1 people, 2 groups' teams, 3 members, 4 attribute teams
    after_id      uuid,                      -- keys after this one …
    after_member  text collate "C" not null default '',
    upto_id       uuid,                      -- … up to and with this one,
    upto_member   text collate "C" not null default '',
    keys          jsonb,                     -- unless they are listed
    done          boolean not null default false,
    due_at        timestamptz not null default now(), -- when it may (again) be pushed
    teams_created int not null default 0,    -- committed with the teams
    result        jsonb,                     -- counts only
    primary key (tenant_id, run_id, chunk),
    foreign key (tenant_id, run_id) references runs (tenant_id, id) on delete cascade
);
alter table run_chunks alter column tenant_id set statistics 0;

-- What a dry run found, at most 100 of a kind. Names are looked up when somebody asks.
create table run_samples (
    tenant_id  bigint not null,
    run_id     uuid not null,
    id         bigint generated always as identity,
    kind       text collate "C" not null check (kind in ('person', 'team', 'membership', 'line', 'waiting')),
    subject_id uuid not null,                -- the person or team
    field      text collate "C" not null,
    old        jsonb,                        -- the value, or the id of who or what was linked
    new        jsonb,
    primary key (tenant_id, run_id, id),
    foreign key (tenant_id, run_id) references runs (tenant_id, id) on delete cascade
);
alter table run_samples alter column tenant_id set statistics 0;
create index run_samples_subject on run_samples (tenant_id, subject_id);

-- Links that are woken by what a run wrote count for that run.
alter table wakes add column run_id uuid;
