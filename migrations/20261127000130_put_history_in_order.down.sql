delete from history where cause in ('create', 'erase');
alter table history drop constraint history_cause_check;
alter table history add constraint history_cause_check check (cause in ('apply', 'link', 'run'));
alter table history drop column order_xid;
