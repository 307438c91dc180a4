//! What can go wrong.

use std::path::PathBuf;

use uuid::Uuid;

/// Named for what the caller can do about it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another process (or another `LocalIndex`) has the directory open: use that one, or wait for it.
    #[error("the index {} is in use by another process", .0.display())]
    Locked(PathBuf),
    /// The vector is of another model than those of the index: it belongs in another generation.
    #[error("a vector of {got} dimensions does not go with an index of {expected}")]
    Dimension { expected: usize, got: usize },
    /// The vector cannot be compared with others: it has no length, or numbers that are none.
    #[error("the vector of {} cannot be compared: it is zero or has numbers that are not finite", .0.map_or_else(|| "the query".to_owned(), |id| format!("node {id}")))]
    NotComparable(Option<Uuid>),
    /// What is on disk cannot be read: open it again and it begins anew.
    #[error("the index {} is damaged: {why}", dir.display())]
    Damaged { dir: PathBuf, why: String },
    /// The disk, or the memory, did not do what it should.
    #[error("could not {doing} in {}", dir.display())]
    Storage {
        doing: &'static str,
        dir: PathBuf,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}
