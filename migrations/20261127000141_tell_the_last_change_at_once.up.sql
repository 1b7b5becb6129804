-- The last row is told at once. The end of a snapshot is an xid that nobody may have yet: when nobody
-- wrote any more, what was written last was told only when somebody did. The last xid that had ended is
-- as good: rows about one subject that share it come by id (docs/adr/0017).
alter table history alter column order_xid
    set default greatest(pg_current_xact_id(), (pg_snapshot_xmax(pg_current_snapshot())::text::bigint - 1)::text::xid8);
