alter table history alter column order_xid
    set default greatest(pg_current_xact_id(), pg_snapshot_xmax(pg_current_snapshot()));
