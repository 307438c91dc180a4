//! Knowledge as both surfaces show it: bases, documents, chunks and their parts.

mod chunks;
mod datasets;
mod documents;
pub mod hits;
mod metadata;

use chrono::{DateTime, Utc};

pub use self::{chunks::*, datasets::*, documents::*, metadata::*};

fn at(time: Option<DateTime<Utc>>) -> Option<i64> {
    time.map(|time| time.timestamp())
}
