-- What clients look resources up by and no key holds, in columns of their own: an index over them
-- leaves an update of anything else heap-only, an index over an expression of the document would not.
-- Postgres fills them, so that old and new binaries run side by side.
alter table scim_resources
    -- The start of displayName as filters compare it; longer values would not fit an index.
    add column display_name text collate "C" generated always as (
        left(upper(normalize(document ->> 'displayName', nfc) collate "und-x-icu"), 200)) stored,
    add column active boolean generated always as (
        case jsonb_typeof(document -> 'active') when 'boolean' then (document -> 'active')::boolean end) stored;
create index scim_resources_display_name on scim_resources (tenant_id, kind, display_name)
    where deleted_seq is null and display_name is not null;
create index scim_resources_active on scim_resources (tenant_id, kind, active, created_seq)
    where deleted_seq is null;

-- A text of a document as a point in time (RFC 3339); null when it is none. A cast would fail the
-- whole statement.
create function instant_of(value text) returns timestamptz
language plpgsql immutable strict set timezone = 'UTC' as $$
begin
    if value !~ '^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$' then
        return null;
    end if;
    return value::timestamptz;
exception when others then
    return null;
end $$;

-- Secrets of the deployment that every process must share, made by whoever needs one first.
create table secrets (
    purpose    text collate "C" primary key,
    secret     bytea not null,
    created_at timestamptz not null default now()
);
