alter table wakes drop column run_id;
drop table run_samples;
drop table run_chunks;
drop table runs;
