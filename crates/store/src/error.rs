use std::io::{self, ErrorKind};

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, by what the caller can do about it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such object.
    #[error("the object `{0}` does not exist")]
    NotFound(String),
    /// The key is not one that objects may have.
    #[error("`{key}` is not an object key: {why}")]
    InvalidKey { key: String, why: &'static str },
    /// The part asked for lies outside the object.
    #[error("bytes {start}–{end} lie outside the object of {size} bytes")]
    InvalidRange { start: u64, end: u64, size: u64 },
    /// No space left.
    #[error("the disk that holds {0} is full; free some space")]
    Full(String),
    /// The store cannot be written.
    #[error("{place} cannot be written: {cause}; make it writable for this user")]
    ReadOnly { place: String, cause: io::Error },
    /// What was to be stored could not be read to its end.
    #[error("the content could not be read to its end")]
    Source(#[source] io::Error),
    /// The store failed otherwise.
    #[error("{what} failed")]
    Io { what: String, cause: io::Error },
}

impl Error {
    pub(crate) fn io(what: &str, place: &std::path::Path, cause: io::Error) -> Self {
        let place = place.display().to_string();
        match cause.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Self::Full(place),
            ErrorKind::ReadOnlyFilesystem | ErrorKind::PermissionDenied => Self::ReadOnly { place, cause },
            _ => Self::Io { what: format!("{what} {place}"), cause },
        }
    }
}

impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        let kind = match &error {
            Error::NotFound(_) => ErrorKind::NotFound,
            Error::InvalidKey { .. } | Error::InvalidRange { .. } => ErrorKind::InvalidInput,
            Error::Full(_) => ErrorKind::StorageFull,
            Error::ReadOnly { cause, .. } | Error::Source(cause) | Error::Io { cause, .. } => cause.kind(),
        };
        Self::new(kind, error)
    }
}
