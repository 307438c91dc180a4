//! What can go wrong with a model of this machine.

use std::path::{Path, PathBuf};

/// Why a local model did not answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error(
        "There is no local model '{name}' in {}. Get it with `oxidify models pull {name}`, or put a directory with its \
         files there.",
        searched.display()
    )]
    NotFound { name: String, searched: PathBuf },
    /// Its files are not what they should be.
    #[error("{file}: {why}")]
    Damaged { file: String, why: String },
    /// Its files are right, but it is another kind of network.
    #[error("{file}: {why}")]
    Unsupported { file: String, why: String },
    #[error("cannot {what} {}: {why}", path.display())]
    Io { what: &'static str, path: PathBuf, why: String },
    /// It cannot be fetched.
    #[error("cannot download {url}: {why}")]
    Download { url: String, why: String },
    /// Somebody fetches it at this moment.
    #[error("the local model '{name}' is being downloaded")]
    Busy { name: String },
    #[error("the local model failed: {why}")]
    Internal { why: String },
}

impl Error {
    pub(crate) fn damaged(file: &Path, why: impl Into<String>) -> Self {
        Self::Damaged { file: file.display().to_string(), why: why.into() }
    }

    pub(crate) fn unsupported(file: &Path, why: impl Into<String>) -> Self {
        Self::Unsupported { file: file.display().to_string(), why: why.into() }
    }

    pub(crate) fn io(what: &'static str, path: &Path, error: &std::io::Error) -> Self {
        Self::Io { what, path: path.to_owned(), why: error.to_string() }
    }

    #[expect(clippy::needless_pass_by_value, reason = "given to `map_err` as it is")]
    pub(crate) fn internal(why: impl ToString) -> Self {
        Self::Internal { why: why.to_string() }
    }
}
