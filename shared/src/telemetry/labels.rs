//! Values a metric label may take. Enums, so that their number is bounded by construction.

use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};
use std::fmt::Write as _;

/// An enum whose variants are label values, with all of them listed in `ALL`.
macro_rules! label_value {
    ($(#[$meta:meta])* $name:ident { $($(#[$variant_meta:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$variant_meta])* $variant,)+ }

        impl $name {
            pub const ALL: &[$name] = &[$($name::$variant,)+];

            /// The value as written in metrics and logs.
            pub fn name(self) -> &'static str {
                match self { $($name::$variant => $text,)+ }
            }
        }

        impl EncodeLabelValue for $name {
            fn encode(&self, encoder: &mut LabelValueEncoder) -> Result<(), std::fmt::Error> {
                encoder.write_str(self.name())
            }
        }
    };
}

/// A set of labels: a plain struct.
macro_rules! label_set {
    ($(#[$meta:meta])* $name:ident { $($field:ident: $kind:ty,)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
        pub struct $name { $(pub $field: $kind,)+ }
    };
}

label_value! {
    /// First digit of the HTTP status.
    StatusClass {
        Informational = "1xx",
        Success = "2xx",
        Redirection = "3xx",
        ClientError = "4xx",
        ServerError = "5xx",
    }
}

impl StatusClass {
    pub fn of(status: u16) -> StatusClass {
        match status {
            0..=199 => StatusClass::Informational,
            200..=299 => StatusClass::Success,
            300..=399 => StatusClass::Redirection,
            400..=499 => StatusClass::ClientError,
            _ => StatusClass::ServerError,
        }
    }
}

label_value! {
    /// What a write does to its resource.
    Operation { Create = "create", Replace = "replace", Patch = "patch", Delete = "delete", }
}

label_value! {
    /// An apalis queue.
    QueueName { Live = "reconcile-live", Bulk = "reconcile-bulk", Links = "links", Runs = "runs", }
}

impl From<crate::directory::WorkLane> for QueueName {
    fn from(lane: crate::directory::WorkLane) -> QueueName {
        match lane {
            crate::directory::WorkLane::Live => QueueName::Live,
            crate::directory::WorkLane::Bulk => QueueName::Bulk,
            crate::directory::WorkLane::Links => QueueName::Links,
            crate::directory::WorkLane::Runs => QueueName::Runs,
        }
    }
}

label_value! {
    /// Where in its queue a job is.
    JobState { Ready = "ready", Running = "running", Scheduled = "scheduled", Dead = "dead", }
}

label_value! {
    /// How a job's handler ended.
    JobOutcome {
        Done = "done",
        Snoozed = "snoozed",
        /// Put off, because its lane is paused.
        Paused = "paused",
        Retried = "retried",
        Failed = "failed",
    }
}

label_value! {
    /// Kind of a reconciled key.
    KeyKind { Person = "person", Team = "team", Member = "member", }
}

label_value! {
    /// Kind of a link that may have to wait (`waiters.slot`).
    LinkSlot {
        Manager = "manager",
        AdditionalManager = "additional_manager",
        Member = "member",
        Team = "team",
    }
}

impl LinkSlot {
    /// The slot stored as this number; `None` for one this version does not know.
    pub fn from_column(slot: i16) -> Option<LinkSlot> {
        match slot {
            1 => Some(LinkSlot::Manager),
            2 => Some(LinkSlot::AdditionalManager),
            3 => Some(LinkSlot::Member),
            4 => Some(LinkSlot::Team),
            _ => None,
        }
    }
}

label_value! {
    /// How a link found its target.
    LinkPath {
        /// The target was there already.
        Immediate = "immediate",
        /// It waited and was woken by the arrival of its target.
        Arrival = "arrival",
        /// It waited and a retry found the target.
        Retry = "retry",
    }
}

label_value! {
    /// What found the target of a link that waited.
    FoundBy {
        /// The arrival of the target, or of what decides about it.
        Arrival = "arrival",
        /// A retry.
        Retry = "retry",
        /// Another change of whom or what the link belongs to.
        Apply = "apply",
        /// A run, or what it wrote.
        Run = "run",
    }
}

label_value! {
    /// Lane of a change, see [`crate::directory::Lane`].
    LaneName { Live = "live", Bulk = "bulk", }
}

impl From<crate::directory::Lane> for LaneName {
    fn from(lane: crate::directory::Lane) -> LaneName {
        match lane {
            crate::directory::Lane::Live => LaneName::Live,
            crate::directory::Lane::Bulk => LaneName::Bulk,
        }
    }
}

label_value! {
    /// How a run ended.
    RunEnd { Finished = "finished", Cancelled = "cancelled", }
}

label_value! {
    /// Where a run that is under way is.
    RunPhase { Plan = "plan", Reconcile = "reconcile", Links = "links", Report = "report", }
}

label_value! {
    /// What came of a schedule's tick.
    TickOutcome {
        Started = "started",
        /// A run of the same scope was under way.
        Joined = "joined",
        /// Nobody was there to fire it, and a later one was fired in its place.
        Skipped = "skipped",
    }
}

label_value! {
    /// What came of sending a delivery to a webhook.
    WebhookOutcome {
        Delivered = "delivered",
        /// It is tried again.
        Failed = "failed",
        /// It was given up.
        Dead = "dead",
        /// The receiver wants no more.
        Gone = "gone",
    }
}

label_value! {
    /// What a run found that was not as it should be.
    DriftKind {
        Person = "person",
        Team = "team",
        Membership = "membership",
        Line = "line",
        Waiting = "waiting",
    }
}

label_value! {
    /// Which limit made somebody wait.
    Limit {
        /// Requests of one token (answered with 429).
        Token = "token",
        /// Keys applied for one tenant.
        Tenant = "tenant",
        /// Keys applied in the whole deployment.
        Deployment = "deployment",
    }
}

label_value! {
    /// A table of ours; partitions count as the table they are part of.
    TableName {
        AsyncResults = "async_results",
        Audit = "audit",
        Changes = "changes",
        EventKeys = "event_keys",
        History = "history",
        KeyFailures = "key_failures",
        LedgerEnds = "ledger_ends",
        LedgerPeriods = "ledger_periods",
        LoginLinks = "login_links",
        MappingPreviews = "mapping_previews",
        Mappings = "mappings",
        PaceSamples = "pace_samples",
        PausedLanes = "paused_lanes",
        Pending = "pending",
        People = "people",
        QueueSamples = "queue_samples",
        Rejections = "rejections",
        ReportingLines = "reporting_lines",
        RunChunks = "run_chunks",
        RunSamples = "run_samples",
        Runs = "runs",
        ScheduleTicks = "schedule_ticks",
        Schedules = "schedules",
        ScimKeys = "scim_keys",
        ScimMembers = "scim_members",
        ScimResources = "scim_resources",
        Secrets = "secrets",
        Sessions = "sessions",
        TeamMembers = "team_members",
        TeamNames = "team_names",
        TeamParts = "team_parts",
        Teams = "teams",
        TenantSchemas = "tenant_schemas",
        Tenants = "tenants",
        Tokens = "tokens",
        Waiters = "waiters",
        Wakes = "wakes",
        WebhookDeliveries = "webhook_deliveries",
        Webhooks = "webhooks",
    }
}

label_value! {
    /// A store the process depends on.
    Dependency { Postgres = "postgres", Redis = "redis", }
}

label_set! {
    /// `route` is the template (`/scim/v2/Users/{id}`), never the path.
    RequestLabels { method: String, route: String, status: StatusClass, }
}
label_set! { OperationLabels { operation: Operation, } }
label_set! { LimitLabels { limit: Limit, } }
label_set! { DepthLabels { queue: QueueName, state: JobState, } }
label_set! { QueueLabels { queue: QueueName, } }
label_set! { JobLabels { queue: QueueName, outcome: JobOutcome, } }
label_set! { LaneLabels { lane: LaneName, } }
label_set! { KeyLabels { kind: KeyKind, } }
label_set! { SlotLabels { slot: LinkSlot, } }
label_set! { LinkLabels { slot: LinkSlot, path: LinkPath, } }
label_set! { FoundLabels { slot: LinkSlot, path: FoundBy, } }
label_set! { RunLabels { end: RunEnd, } }
label_set! { RunPhaseLabels { phase: RunPhase, } }
label_set! { TickLabels { outcome: TickOutcome, } }
label_set! { WebhookLabels { outcome: WebhookOutcome, } }
label_set! { DriftLabels { kind: DriftKind, } }
label_set! { TableLabels { table: TableName, } }
label_set! { DependencyLabels { dependency: Dependency, } }
label_set! { BuildLabels { version: &'static str, process: &'static str, } }
