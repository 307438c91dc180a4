//! What operators see: logs and metrics.
//!
//! Everybody logs through `tracing` and counts through `metrics`; this crate decides where that goes and what it
//! looks like. It opens no port: the delivery layer serves [`Metrics::render`].
//! Invariants: a log line is one line; values of fields that hold secrets are never written; every metric is in the
//! one table of [`metrics_table`], with its labels.

mod app_label;
mod error;
mod file;
mod json;
mod log;
mod metrics;
mod metrics_table;
mod process;

pub use app_label::AppLabels;
pub use error::{Error, Result};
pub use log::{Format, LogConfig, init_logs};
pub use metrics::Metrics;
pub use metrics_table::{BUCKETS, Kind, METRICS, Metric};
