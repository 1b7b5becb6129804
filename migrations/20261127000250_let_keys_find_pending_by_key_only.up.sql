-- An outbox that was just emptied has few rows in indexes of many pages, and a look for a key then seemed cheaper by
-- one of these, which reads all that the tenant has pending. Postgres takes an index with a condition only for
-- statements that imply it: those that ask for due_at, or for seq.
drop index pending_due;
create index pending_due on pending (tenant_id, lane, due_at) where due_at is not null;
drop index pending_seq;
create index pending_seq on pending (tenant_id, seq) where seq is not null;
