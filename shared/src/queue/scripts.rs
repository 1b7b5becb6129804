//! The Lua scripts, each one atomic step on the keys of `keys.rs`. What a request contained
//! reaches them only as arguments. A Redis that is full still lets the workers drain it; only
//! pushes are refused.

use redis::Script;
use std::sync::LazyLock;

macro_rules! script {
    ($(#[$doc:meta])* $name:ident, $first:literal, $file:literal) => {
        $(#[$doc])*
        pub(super) static $name: LazyLock<Script> =
            LazyLock::new(|| Script::new(concat!($first, "\n", include_str!("lua/common.lua"), include_str!($file))));
    };
}

script!(
    /// Add jobs of one tenant, as many as its cap allows.
    PUSH, "#!lua", "lua/push.lua"
);
script!(
    /// Make due and abandoned jobs ready, then lease the next ones to a worker.
    FETCH, "#!lua flags=allow-oom", "lua/fetch.lua"
);
script!(
    /// Extend leases that are still held.
    RENEW, "#!lua flags=allow-oom", "lua/renew.lua"
);
script!(
    /// End leases: delete, schedule, bury or hand back.
    FINISH, "#!lua flags=allow-oom", "lua/finish.lua"
);
script!(
    /// Bring dead letters back.
    REQUEUE, "#!lua", "lua/requeue.lua"
);
script!(
    /// Count what is where.
    DEPTH, "#!lua flags=no-writes", "lua/depth.lua"
);
script!(
    /// Who holds jobs, and how many a tenant has outstanding.
    HOLDERS, "#!lua flags=no-writes", "lua/holders.lua"
);

/// Register a worker process and count the live ones.
pub(super) static HEARTBEAT: LazyLock<Script> =
    LazyLock::new(|| Script::new(include_str!("lua/heartbeat.lua")));

/// List the worker processes, with what is left of their heartbeats.
pub(super) static PROCESSES: LazyLock<Script> =
    LazyLock::new(|| Script::new(include_str!("lua/processes.lua")));
