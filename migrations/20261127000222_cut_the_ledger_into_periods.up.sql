-- The ledger and the history are cut into periods, so that what is old goes at once and leaves no hole
-- (docs/adr/0023). Number N holds the changes with seqs, and the history with ids, from N * 2^40 on.

create table ledger_periods (
    number   bigint primary key,
    began_at timestamptz not null default now()
);
insert into ledger_periods (number) values (0);

-- What was dropped of a tenant's history: nothing later than this.
create table ledger_ends (
    tenant_id  bigint primary key references tenants (id) on delete cascade,
    xid        bigint,                       -- with the id: the last that the feed told; null: it told nothing
    id         bigint,
    applied_at timestamptz not null
);
alter table ledger_ends alter column tenant_id set statistics 0;

alter table changes rename to changes_p0;
alter index changes_pkey rename to changes_p0_pkey;
alter index changes_txn rename to changes_p0_txn;
alter index changes_resource rename to changes_p0_resource;
alter index changes_accepted rename to changes_p0_accepted;
create table changes (like changes_p0 including defaults including constraints) partition by range (seq);
alter table changes drop constraint changes_period;
alter table changes alter column tenant_id set statistics 0;
alter table changes add primary key (tenant_id, seq);
create index changes_txn on changes (tenant_id, txn, txn_index);
create index changes_resource on changes (tenant_id, resource_id, seq);
create index changes_accepted on changes using brin (accepted_at) with (pages_per_range = 32, autosummarize = on);
alter table changes attach partition changes_p0 for values from (minvalue) to (1099511627776);
alter table changes_p0 drop constraint changes_period;

-- Partitions share a sequence, which an identity cannot be.
create sequence history_ids;
select setval('history_ids', (select coalesce(max(id), 0) + 1 from history), false);
alter table history alter column id drop identity;
alter table history alter column id set default nextval('history_ids');
alter sequence history_ids owned by history.id;
alter table history rename to history_p0;
alter index history_pkey rename to history_p0_pkey;
alter index history_subject rename to history_p0_subject;
alter index history_applied rename to history_p0_applied;
alter index history_of_subject rename to history_p0_of_subject;
alter index history_of_members rename to history_p0_of_members;
alter index history_of_reports rename to history_p0_of_reports;
alter index history_in_order rename to history_p0_in_order;
alter index history_member rename to history_p0_member;
create table history (like history_p0 including defaults including constraints) partition by range (id);
alter table history drop constraint history_period;
alter table history alter column tenant_id set statistics 0;
alter table history add primary key (id);
create index history_subject on history (tenant_id, key_id, seq);
create index history_applied on history using brin (applied_at) with (pages_per_range = 32, autosummarize = on);
create index history_of_subject on history (tenant_id, coalesce(person_id, key_id), id) where fields <> '{}';
create index history_of_members on history (tenant_id, (case when key_kind = 3 then key_id end), id)
    where key_kind = 3 and fields <> '{}';
create index history_of_reports on history (tenant_id, (fields -> 'manager' ->> 0))
    where fields -> 'manager' ->> 0 is not null;
create index history_in_order on history ((tenant_id + 0), order_xid, id)
    where order_xid is not null and fields <> '{}';
alter index history_in_order alter column 1 set statistics 0;
create index history_member on history (tenant_id, member) where member <> '';
alter table history attach partition history_p0 for values from (minvalue) to (1099511627776);
alter table history_p0 drop constraint history_period;
alter sequence history_ids owned by history.id;

-- Make room for a period. Attached, not made in place, so that nobody who reads or writes waits.
create function add_ledger_period(number bigint) returns void language plpgsql as $$
declare
    parent text;
    part text;
    statement text;
begin
    foreach parent in array array['changes', 'history'] loop
        part := format('%s_p%s', parent, number);
        continue when to_regclass(part) is not null;
        execute format('create table %I (like %I including defaults including constraints)', part, parent);
        execute format('alter table %I attach partition %I for values from (%s) to (%s)',
            parent, part, number << 40, (number + 1) << 40);
        -- What a partition does not have of the whole: which columns have no statistics.
        for statement in
            select format('alter table %I alter column %I set statistics %s', part, attname, attstattarget)
            from pg_attribute where attrelid = parent::regclass and attnum > 0 and attstattarget >= 0
            union all
            select format('alter index %s alter column %s set statistics %s', own.inhrelid::regclass, a.attnum, a.attstattarget)
            from pg_index of_parent
            join pg_attribute a on a.attrelid = of_parent.indexrelid and a.attstattarget >= 0
            join pg_inherits own on own.inhparent = of_parent.indexrelid
            join pg_index of_part on of_part.indexrelid = own.inhrelid and of_part.indrelid = part::regclass
            where of_parent.indrelid = parent::regclass
        loop
            execute statement;
        end loop;
    end loop;
end
$$;
