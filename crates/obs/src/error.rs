use std::path::PathBuf;

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why logs or metrics could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The log file cannot be written.
    #[error("the log file {path} cannot be written: {cause}; check LOG_FILE and its directory")]
    LogFile { path: PathBuf, cause: std::io::Error },
    /// A filter directive cannot be read.
    #[error("OXIDIFY_LOG: {0}")]
    Filter(String),
    /// Something in this process was faster.
    #[error("logs or metrics are set up already: {0}")]
    AlreadySet(String),
}
