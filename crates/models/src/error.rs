//! What can go wrong with a model call: the provider's own text under our class.

use std::{fmt, time::Duration};

/// What the caller can do about a failed model call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ErrorClass {
    /// The key is wrong, revoked or lacks a permission.
    Auth,
    /// Too many requests or tokens, or the account has no money left.
    RateLimit { retry_after: Option<Duration> },
    /// The provider is up but cannot serve.
    Overloaded,
    /// The request is not acceptable as it is.
    BadRequest,
    /// No such model or provider.
    NotFound,
    /// The provider cannot be reached, or the connection broke.
    Connection,
    /// A time limit passed.
    Timeout,
    /// The answer is not what the protocol says.
    Garbage,
    /// The provider or model cannot do this.
    Unsupported,
    /// A budget of the workspace is spent; nobody was asked.
    Quota,
}

impl ErrorClass {
    /// A short name, for logs and lists.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::RateLimit { .. } => "rate_limit",
            Self::Overloaded => "overloaded",
            Self::BadRequest => "bad_request",
            Self::NotFound => "not_found",
            Self::Connection => "connection",
            Self::Timeout => "timeout",
            Self::Garbage => "garbage",
            Self::Unsupported => "unsupported",
            Self::Quota => "quota",
        }
    }
}

/// A failed model call.
#[derive(Clone, PartialEq, Eq)]
pub struct ModelError {
    pub class: ErrorClass,
    /// Provider id.
    pub provider: String,
    /// HTTP status of the provider's answer.
    pub status: Option<u16>,
    /// The provider's own words where it gave any, never a key.
    pub text: String,
}

impl ModelError {
    /// An error with its text.
    pub fn new(class: ErrorClass, provider: impl Into<String>, text: impl Into<String>) -> Self {
        Self { class, provider: provider.into(), status: None, text: text.into() }
    }

    /// The class name the compatible API and workflow nodes show.
    #[must_use]
    pub const fn error_type(&self) -> &'static str {
        match self.class {
            ErrorClass::Auth => "InvokeAuthorizationError",
            ErrorClass::RateLimit { .. } => "InvokeRateLimitError",
            ErrorClass::Overloaded | ErrorClass::Garbage => "InvokeServerUnavailableError",
            ErrorClass::BadRequest | ErrorClass::Unsupported => "InvokeBadRequestError",
            ErrorClass::NotFound => "ModelNotExistError",
            ErrorClass::Connection | ErrorClass::Timeout => "InvokeConnectionError",
            ErrorClass::Quota => "QuotaExceededError",
        }
    }

    /// Whether the same call may work if it is made again.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        matches!(
            self.class,
            ErrorClass::RateLimit { .. } | ErrorClass::Overloaded | ErrorClass::Connection | ErrorClass::Timeout
        )
    }

    /// How long the provider asked us to wait.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        match self.class {
            ErrorClass::RateLimit { retry_after } => retry_after,
            _ => None,
        }
    }

    const fn heading(&self) -> &'static str {
        match self.class {
            ErrorClass::Auth => "Incorrect model credentials provided, please check and try again",
            ErrorClass::RateLimit { .. } => "Rate Limit Error",
            ErrorClass::Overloaded => "Server Unavailable Error",
            ErrorClass::BadRequest => "Bad Request Error",
            ErrorClass::NotFound => "Model Not Found",
            ErrorClass::Connection => "Connection Error",
            ErrorClass::Timeout => "Connection Error, timed out",
            ErrorClass::Garbage => "Server Unavailable Error, unreadable answer",
            ErrorClass::Unsupported => "Bad Request Error, not supported",
            ErrorClass::Quota => "Quota Exceeded",
        }
    }
}

impl fmt::Display for ModelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}] {}", self.provider, self.heading())?;
        if let Some(status) = self.status {
            write!(f, " ({status})")?;
        }
        if self.text.is_empty() { Ok(()) } else { write!(f, ": {}", self.text) }
    }
}

impl fmt::Debug for ModelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ModelError({:?}, {self})", self.class)
    }
}

impl std::error::Error for ModelError {}
