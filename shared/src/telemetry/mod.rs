//! Logs and metrics of both processes.
//!
//! Everything here names routes, kinds, outcomes and receipt ids, never a person: no names,
//! e-mail addresses or request bodies in a log line, no id of anybody in a metric label.

mod figure;
mod gauges;
mod labels;
mod logs;
mod metrics;

pub use figure::Figure;
pub use gauges::read_gauges;
pub use labels::*;
pub use logs::{LogConfig, LogFormat, init_logs};
pub use metrics::{Histograms, Metrics, Seconds};
