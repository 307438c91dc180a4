//! The one error of the use cases: a wire code, a status and a text for the caller.

use std::{borrow::Cow, sync::Arc};

/// Result of a use case.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failed use case. The text is for the caller; the cause goes to the log only.
#[derive(Debug, thiserror::Error)]
#[error("{code}: {message}")]
pub struct Error {
    /// HTTP status as a plain number, so that this crate needs no HTTP types.
    pub status: u16,
    /// Wire code, snake case.
    pub code: Cow<'static, str>,
    pub message: String,
    /// The field that is wrong, on validation errors.
    pub field: Option<String>,
    /// Seconds after which the caller may try again.
    pub retry_after: Option<u64>,
    #[source]
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// An error with its status and code.
    pub fn new(status: u16, code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self { status, code: code.into(), message: message.into(), field: None, retry_after: None, source: None }
    }

    /// A value from the caller is wrong.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(400, "invalid_param", message)
    }

    /// A named field from the caller is wrong.
    pub fn invalid_field(field: &str, message: impl Into<String>) -> Self {
        Self { field: Some(field.to_owned()), ..Self::invalid(message) }
    }

    /// The request makes no sense.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "bad_request", message)
    }

    /// The thing does not exist, or not for this caller.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(404, "not_found", message)
    }

    /// Not signed in, or the key is wrong.
    pub fn unauthorized(message: impl Into<String>) -> Self {
        Self::new(401, "unauthorized", message)
    }

    /// Signed in, but not allowed.
    pub fn forbidden(message: impl Into<String>) -> Self {
        Self::new(403, "forbidden", message)
    }

    /// Somebody else changed it, or it exists already.
    pub fn conflict(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(409, code, message)
    }

    /// A limit is reached; the caller may come back.
    pub fn too_many(message: impl Into<String>, retry_after: u64) -> Self {
        Self { retry_after: Some(retry_after), ..Self::new(429, "too_many_requests", message) }
    }

    /// Something on our side is broken.
    pub fn internal(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self {
            source: Some(source.into()),
            ..Self::new(
                500,
                "internal_server_error",
                "The server encountered an internal error and was unable to complete your request. Either the server \
                 is overloaded or there is an error in the application.",
            )
        }
    }

    /// Adds the cause, for the log.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }
}

/// How a failed database is told, its cause not yet added.
fn of_database(error: &ox_db::Error) -> Error {
    match error {
        ox_db::Error::Conflict(_) => Error::conflict("conflict", "Something with these values exists already."),
        ox_db::Error::NotFound(what) => Error::not_found(format!("The {what} was not found.")),
        ox_db::Error::Locked(_) | ox_db::Error::Busy(_) | ox_db::Error::Unavailable(_) => {
            let text = format!("The database is not available: {error}");
            Error { retry_after: Some(5), ..Error::new(503, "database_unavailable", text) }
        }
        ox_db::Error::DiskFull(_) => Error::new(507, "disk_full", error.to_string()),
        ox_db::Error::ReadOnly(_) => Error::new(503, "database_read_only", error.to_string()),
        _ => Error::internal("the database failed"),
    }
}

impl From<ox_db::Error> for Error {
    fn from(error: ox_db::Error) -> Self {
        of_database(&error).caused_by(error)
    }
}

/// A failed look-up that several callers waited for.
impl From<Arc<ox_db::Error>> for Error {
    fn from(error: Arc<ox_db::Error>) -> Self {
        of_database(&error).caused_by(error)
    }
}

/// The same, of a use case.
impl From<Arc<Self>> for Error {
    fn from(error: Arc<Self>) -> Self {
        Self {
            status: error.status,
            code: error.code.clone(),
            message: error.message.clone(),
            field: error.field.clone(),
            retry_after: error.retry_after,
            source: Some(Box::new(error)),
        }
    }
}

impl From<ox_kv::Error> for Error {
    fn from(error: ox_kv::Error) -> Self {
        match &error {
            ox_kv::Error::Unavailable(_) => {
                let text = "What the processes of this server share (Redis) is not available. Please try again.";
                Self { retry_after: Some(5), ..Self::new(503, "cache_unavailable", text) }.caused_by(error)
            }
            _ => Self::internal(error),
        }
    }
}

impl From<ox_store::Error> for Error {
    fn from(error: ox_store::Error) -> Self {
        match &error {
            ox_store::Error::NotFound(_) => Self::new(404, "file_not_found", "The specified file was not found."),
            ox_store::Error::Full(_) => Self::new(507, "disk_full", error.to_string()).caused_by(error),
            ox_store::Error::ReadOnly { .. } => Self::new(503, "storage_read_only", error.to_string()).caused_by(error),
            _ => Self::internal(error),
        }
    }
}
