-- Runs that start by themselves (docs/adr/0013).

create table schedules (
    tenant_id   bigint not null,
    id          uuid not null,
    name        text not null,
    cron        text not null,               -- five fields, on the clock of time_zone
    time_zone   text not null,
    scope       text collate "C" not null check (scope in ('full', 'team', 'person', 'dates')),
    scope_id    uuid,                        -- the team or person; null: everybody
    dry_run     boolean not null,
    paused      boolean not null,
    version     bigint not null default 1,
    created_at  timestamptz not null default now(),
    modified_at timestamptz not null default now(),
    next_tick   timestamptz,                 -- the tick to be fired next; null: none
    due_at      timestamptz,                 -- when the feeder may look at it: next_tick, or later if it had to wait
    primary key (tenant_id, id),
    check ((next_tick is null) = (due_at is null))
);
alter table schedules alter column tenant_id set statistics 0;
create index schedules_due on schedules (due_at) where due_at is not null;
-- The settings of a tenant have one, for the dates that drive the status.
create unique index schedules_dates on schedules (tenant_id) where scope = 'dates';

-- Every tick that is over, once. It is written in one transaction with the run it started.
create table schedule_ticks (
    tenant_id   bigint not null,
    schedule_id uuid not null,
    tick        timestamptz not null,
    outcome     text collate "C" not null check (outcome in ('started', 'joined', 'skipped')),
    run_id      uuid,                        -- null: skipped
    fired_at    timestamptz not null default now(),
    primary key (tenant_id, schedule_id, tick),
    foreign key (tenant_id, schedule_id) references schedules (tenant_id, id) on delete cascade
);
alter table schedule_ticks alter column tenant_id set statistics 0;

-- `dates`: the people whose status is not what their dates say.
alter table runs drop constraint runs_scope_check,
    add constraint runs_scope_check check (scope in ('full', 'team', 'person', 'dates'));
