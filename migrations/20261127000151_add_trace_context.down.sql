alter table pending drop column traceparent;
