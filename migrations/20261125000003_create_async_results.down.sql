drop table event_keys;
drop table async_results;
