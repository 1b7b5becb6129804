-- A webhook whose place in the feed is gone (history was cut off, or the database set back) is disabled for
-- that reason; an operator may let it go on from the latest place, and when that was is kept.

alter table webhooks drop constraint webhooks_disabled_reason_check;
alter table webhooks add constraint webhooks_disabled_reason_check
    check (disabled_reason in ('operator', 'gone', 'failing', 'lost'));
alter table webhooks add column resumed_at timestamptz; -- what lay before was not told
