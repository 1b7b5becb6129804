-- What operators did: one row per request that may change something, written before it is carried out.
-- Append-only: of a row only the outcome may be filled in, once. Names and ids, never values.

create table audit (
    tenant_id bigint not null,
    id        bigint generated always as identity,
    at        timestamptz not null default now(),
    token_id  uuid not null,
    action    text collate "C" not null,    -- method and template of the route
    target    text collate "C",             -- id in the path
    status    smallint,                     -- of the answer; null: under way, or the process died meanwhile
    primary key (tenant_id, id)
);
alter table audit alter column tenant_id set statistics 0;

create function audit_is_append_only() returns trigger language plpgsql as $$
begin
    if tg_op = 'UPDATE' and old.status is null
       and (new.tenant_id, new.id, new.at, new.token_id, new.action) = (old.tenant_id, old.id, old.at, old.token_id, old.action)
       and new.target is not distinct from old.target then
        return new;
    end if;
    raise exception 'the audit log is append-only';
end $$;
create trigger audit_append_only before update or delete on audit
    for each row execute function audit_is_append_only();
create trigger audit_not_emptied before truncate on audit
    for each statement execute function audit_is_append_only();
