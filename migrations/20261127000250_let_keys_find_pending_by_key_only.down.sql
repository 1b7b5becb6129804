drop index pending_due;
create index pending_due on pending (tenant_id, lane, due_at);
drop index pending_seq;
create index pending_seq on pending (tenant_id, seq);
