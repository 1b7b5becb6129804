-- History as a feed (docs/adr/0017): in which order its rows are told, and which of them are settled,
-- so that nothing is skipped by whoever reads on from where they were.

-- No row that is yet to come has a lower one than the oldest transaction that runs; and of two rows
-- about the same subject the later has no lower one, whichever transaction began first. Set as a
-- default afterwards, so that the table is not written anew: rows that are there are not told.
alter table history add column order_xid xid8;
alter table history alter column order_xid
    set default greatest(pg_current_xact_id(), pg_snapshot_xmax(pg_current_snapshot()));
-- An expression, and without statistics, so that no index of another order looks as good and no tenant
-- looks small.
create index history_in_order on history ((tenant_id + 0), order_xid, id)
    where order_xid is not null and fields <> '{}';
alter index history_in_order alter column 1 set statistics 0;

-- That a team was made because somebody is to be in it, and that somebody was erased, is told like
-- everything else.
alter table history drop constraint history_cause_check;
alter table history add constraint history_cause_check
    check (cause in ('apply', 'link', 'run', 'create', 'erase')) not valid;
alter table history validate constraint history_cause_check;
