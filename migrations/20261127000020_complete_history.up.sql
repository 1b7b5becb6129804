-- History tells every change of the directory: what links that settled later, runs and emptied
-- groups did, too, and who joined or left a group.

alter table history
    add column cause text collate "C" not null default 'apply' check (cause in ('apply', 'link', 'run')),
    add column person_id uuid,       -- who joined or left, where the key is a member
    add column asserted_seq bigint,  -- where the cause is a link: the change that asserted it
    add column run_id uuid;          -- the run that repaired it, or whose repair had this consequence

-- The history of a person, or of a team itself. Rows that tell of no change are for receipts only.
create index history_of_subject on history (tenant_id, coalesce(person_id, key_id), id) where fields <> '{}';
-- Who joined and left a group. An expression, so that no index of another order looks as good.
create index history_of_members on history (tenant_id, (case when key_kind = 3 then key_id end), id)
    where key_kind = 3 and fields <> '{}';
-- Who reported to somebody once.
create index history_of_reports on history (tenant_id, (fields -> 'manager' ->> 0))
    where fields -> 'manager' ->> 0 is not null;
