//! Logs, metrics and traces of both processes.
//!
//! Everything here names routes, kinds, outcomes and receipt ids, never a person: no names,
//! e-mail addresses or request bodies in a log line, no id of anybody in a metric label.

mod figure;
mod gauges;
mod labels;
mod logs;
mod metrics;
pub mod traces;

pub use figure::Figure;
pub use gauges::read_gauges;
pub use labels::*;
pub use logs::{LogConfig, LogFilterError, LogFormat, init_logs};
pub use metrics::{Histograms, Metrics, Seconds};
pub use traces::{TelemetryError, TraceConfig, Traces};
