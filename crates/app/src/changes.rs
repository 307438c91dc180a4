//! What keeps a cache from showing what was before a change.
//!
//! Dropping an entry when its row changes is not enough: a look-up that began before the change ends after it, and puts
//! back what it has read. What is looked up is therefore kept under the count of changes with which it was asked.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counts changes of what a cache keeps.
#[derive(Debug, Default)]
pub struct Changes(AtomicU64);

impl Changes {
    /// The count with which a look-up begins: part of its key.
    pub fn count(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }

    /// After a change is committed: whatever was looked up before is not read any more. Tells the count before.
    pub fn add(&self) -> u64 {
        self.0.fetch_add(1, Ordering::SeqCst)
    }
}
