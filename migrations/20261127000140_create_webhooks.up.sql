-- Webhooks: who is told of changes of the directory, how far they have been told, and every delivery
-- that is under way or was finished lately (docs/adr/0018).

create table webhooks (
    tenant_id       bigint not null references tenants (id) on delete cascade,
    id              uuid not null,
    url             text not null,
    description     text not null,
    types           text[] not null,         -- of the changes wanted; empty: all
    enabled         boolean not null,
    disabled_reason text collate "C" check (disabled_reason in ('operator', 'gone', 'failing')),
    secret          bytea not null,          -- deliveries are signed with it
    old_secret      bytea,                   -- the one before signs too …
    old_secret_ends timestamptz,             -- until then
    version         bigint not null default 1,
    created_at      timestamptz not null default now(),
    modified_at     timestamptz not null default now(),
    after_xid       bigint not null,         -- what of the feed is in deliveries
    after_id        bigint not null,
    failing_since   timestamptz,             -- the first failure since the last success
    delivered_at    timestamptz,             -- the last success
    lease           uuid,                    -- of the worker that delivers; nobody else does …
    leased_until    timestamptz,             -- until then
    turn_at         timestamptz not null default now(), -- whose turn is longest ago comes first
    primary key (tenant_id, id),
    check (enabled = (disabled_reason is null)),
    check ((old_secret is null) = (old_secret_ends is null)),
    check ((lease is null) = (leased_until is null))
);
alter table webhooks alter column tenant_id set statistics 0;

create table webhook_deliveries (
    tenant_id       bigint not null,
    webhook_id      uuid not null,
    id              uuid not null,           -- UUIDv7, in the order of the changes; the receiver's webhook-id
    kind            text collate "C" not null check (kind in ('changes', 'ping')),
    in_order        boolean not null,        -- later changes wait for it
    changes         int not null,
    changed_at      timestamptz not null,    -- when the first of them was applied
    body            text not null,           -- ids and names of fields, no values
    state           text collate "C" not null default 'pending' check (state in ('pending', 'delivered', 'dead')),
    attempts        int not null default 0,
    next_attempt_at timestamptz default now(),
    status          smallint,                -- of the last answer
    error           text collate "C",        -- class of the last failure
    created_at      timestamptz not null default now(),
    finished_at     timestamptz,
    primary key (tenant_id, webhook_id, id),
    foreign key (tenant_id, webhook_id) references webhooks (tenant_id, id) on delete cascade,
    check ((state = 'pending') = (next_attempt_at is not null) and (state = 'pending') = (finished_at is null))
);
alter table webhook_deliveries alter column tenant_id set statistics 0;
-- Changes are delivered one batch after the other.
create unique index webhook_deliveries_in_order on webhook_deliveries (tenant_id, webhook_id)
    where in_order and state = 'pending';
create index webhook_deliveries_pending on webhook_deliveries (tenant_id, webhook_id, next_attempt_at, id)
    where state = 'pending';
create index webhook_deliveries_dead on webhook_deliveries (tenant_id, webhook_id, id) where state = 'dead';
create index webhook_deliveries_finished on webhook_deliveries (finished_at) where state <> 'pending';
