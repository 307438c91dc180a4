//! What calls of models use: a row for each call, budgets that hold them back, and what is told of both.
//!
//! A call is opened by the [`meter::Meter`] before anybody is asked, where budgets may refuse it, and closed once: when
//! its answer has ended, failed or was dropped. Closed calls wait in the [`log::SpendLog`], which a writer empties in
//! batches; the sums of their days are added to in the same transaction, and budgets are compared with those sums.

pub(crate) mod alerts;
pub mod budgets;
pub(crate) mod limits;
pub(crate) mod log;
pub(crate) mod meter;
pub mod refusals;
pub mod report;
pub(crate) mod shared;
pub mod usage;

pub(crate) use log::keep;

use ox_types::boxed;

use crate::Services;

/// Writes what waits to be written: at the end of the process, and wherever the sums must be those of this moment.
#[boxed]
pub async fn flush(services: &Services) {
    log::write_all(services).await;
}
