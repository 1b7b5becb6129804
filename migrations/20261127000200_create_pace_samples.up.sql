-- How many writes the deployment accepted and how many keys it applied, for a day: a row every 15 seconds,
-- written together with those of queue_samples.

create table pace_samples (
    taken_at timestamptz not null primary key, -- a multiple of 15 seconds
    accepted bigint not null,                  -- in 15 seconds that had ended 5 seconds before
    applied  bigint not null
);
