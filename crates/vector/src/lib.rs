//! Where chunks are found again: a full-text and vector index of our own, and drivers of vector stores outside.
//!
//! What can be found is rows of the database, numbered by their last change. An index is a copy made from them: it is
//! given changes in order and keeps, in the same commit, the [`Mark`] of the last one. So it can be lost, thrown away or
//! be behind without harm, and nothing in it is an orphan for longer than until the next change is read.
//!
//! What it is not: it knows no dataset settings, asks no model and reads no database.
//!
//! Invariants of [`LocalIndex`]: words and vectors are at the same mark after a crash at any point; a scope is applied
//! before the cut; what is removed is never found again; one process at a time has a directory.

mod error;
mod local;
mod node;
mod store;
mod text;

pub use error::Error;
pub use local::{Both, Growth, LocalIndex, Options, Stats};
pub use node::{Change, Hit, Mark, Node, NodeKind, Scope};
pub use store::{Point, StoreError, StoreSettingError, VectorStore, collection, connect, is_store_setting};
