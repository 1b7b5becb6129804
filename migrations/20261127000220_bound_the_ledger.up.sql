-- What is in the ledger and the history now belongs to their first period (docs/adr/0023). Said before they
-- are cut, so that then nothing has to be read while everybody waits.
alter table changes add constraint changes_period check (seq < 1099511627776) not valid;
alter table history add constraint history_period check (id < 1099511627776) not valid;
