-- How full the deployment's queues were, for a day: a row per lane every 15 seconds. Any worker may write
-- a moment's rows, the first one does.

create table queue_samples (
    taken_at             timestamptz not null, -- a multiple of 15 seconds
    lane                 text collate "C" not null,
    ready                bigint not null,
    running              bigint not null,
    scheduled            bigint not null,
    dead                 bigint not null,
    oldest_ready_seconds bigint not null,
    finished_per_second  double precision not null,
    primary key (taken_at, lane)
);
