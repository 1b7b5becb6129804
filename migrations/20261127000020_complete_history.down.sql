drop index history_of_reports, history_of_members, history_of_subject;
alter table history drop column run_id, drop column asserted_seq, drop column person_id, drop column cause;
