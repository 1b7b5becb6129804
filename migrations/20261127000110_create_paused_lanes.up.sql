-- Lanes that a tenant's operators have stopped: workers apply nothing of them until they are resumed
-- (docs/adr/0021). A row per stopped lane, so that nothing Redis loses starts one again.

create table paused_lanes (
    tenant_id bigint not null,
    lane      text collate "C" not null check (lane in ('live', 'bulk', 'links', 'runs')),
    paused_at timestamptz not null default now(),
    token_id  uuid not null,                -- of the operator
    reason    text,
    primary key (tenant_id, lane)
);
alter table paused_lanes alter column tenant_id set statistics 0;
