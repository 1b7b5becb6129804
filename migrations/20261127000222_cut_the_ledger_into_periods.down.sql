-- Possible as long as no second period has begun: its numbers would be left, and the tables as they were
-- would have to be read through for every period that was dropped.
do $$
begin
    if exists (select from ledger_periods where number > 0) then
        raise exception 'the ledger was cut: this cannot be reverted, restore a backup from before';
    end if;
end
$$;
drop function add_ledger_period;

alter table changes detach partition changes_p0;
drop table changes;
alter table changes_p0 rename to changes;
alter index changes_p0_pkey rename to changes_pkey;
alter index changes_p0_txn rename to changes_txn;
alter index changes_p0_resource rename to changes_resource;
alter index changes_p0_accepted rename to changes_accepted;
alter table changes add constraint changes_period check (seq < 1099511627776);

alter table history detach partition history_p0;
alter sequence history_ids owned by none;
drop table history;
alter table history_p0 rename to history;
alter table history alter column id drop default;
drop sequence history_ids;
alter table history alter column id add generated always as identity;
select setval(pg_get_serial_sequence('history', 'id'), (select coalesce(max(id), 0) + 1 from history), false);
alter index history_p0_pkey rename to history_pkey;
alter index history_p0_subject rename to history_subject;
alter index history_p0_applied rename to history_applied;
alter index history_p0_of_subject rename to history_of_subject;
alter index history_p0_of_members rename to history_of_members;
alter index history_p0_of_reports rename to history_of_reports;
alter index history_p0_in_order rename to history_in_order;
alter index history_p0_member rename to history_member;
alter table history add constraint history_period check (id < 1099511627776);

drop table ledger_ends;
drop table ledger_periods;
