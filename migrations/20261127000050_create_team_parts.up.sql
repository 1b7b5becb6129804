-- Nested groups: the team of a group that is a member of another group. Kept as such: nobody
-- becomes a member of the outer team by it (docs/adr/0015).
create table team_parts (
    tenant_id bigint not null,
    team_id   uuid not null,                 -- the outer team
    part_id   uuid not null,                 -- the team that is part of it; itself, or above it, as asserted
    source    text collate "C" not null,     -- 'member:<folded value>', as in team_members
    since     timestamptz not null default now(),
    primary key (tenant_id, team_id, source, part_id),
    foreign key (tenant_id, team_id) references teams (tenant_id, id),
    foreign key (tenant_id, part_id) references teams (tenant_id, id)
);
alter table team_parts alter column tenant_id set statistics 0;
create index team_parts_part on team_parts (tenant_id, part_id);

-- A member that is said to be a group waits for a group, whatever its value.
alter table waiters add column names_group boolean not null default false;
