-- The W3C traceparent of the request a change came with, where that request is traced: the job that
-- applies the change links to it (shared/src/telemetry/traces.rs).
alter table pending add column traceparent text collate "C";
