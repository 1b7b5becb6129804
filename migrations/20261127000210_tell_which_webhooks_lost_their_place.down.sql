update webhooks set disabled_reason = 'failing' where disabled_reason = 'lost';
alter table webhooks drop constraint webhooks_disabled_reason_check;
alter table webhooks add constraint webhooks_disabled_reason_check
    check (disabled_reason in ('operator', 'gone', 'failing'));
alter table webhooks drop column resumed_at;
