-- Erasing people (docs/adr/0014): their values go, rows with nothing but ids stay.

alter table people
    add column erased_at timestamptz,        -- everything but ids, status and times is gone since
    add column erased_by uuid;               -- the token that asked for it; null: the retention time was over

-- An erasure is an accepted write with a receipt.
alter table changes drop constraint changes_operation_check;
alter table changes add constraint changes_operation_check
    check (operation in ('create', 'replace', 'patch', 'delete', 'erase')) not valid;
alter table changes validate constraint changes_operation_check;

-- Since when a deleted User's values are kept; null: it is live, or erased. Postgres fills it, so
-- that old and new binaries run side by side, and it stays null, hence updates of live resources
-- heap-only, until the resource is deleted.
alter table scim_resources add column retained_since timestamptz generated always as (
    case when kind = 1 and deleted_seq is not null and document <> '{}' then modified_at end) stored;
create index scim_resources_retained on scim_resources (tenant_id, retained_since)
    where retained_since is not null;

-- What was once a member is found by its value, whatever group it was in.
create index history_member on history (tenant_id, member) where member <> '';
