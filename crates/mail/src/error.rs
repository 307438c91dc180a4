//! Why a mail was not taken.

/// What the caller can do about it.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// No way to send mails is set up; says what to set.
    #[error("{0}")]
    NotConfigured(String),
    /// The mail server cannot be reached, or refuses us: no mail will get through now.
    #[error("the mail server cannot be used: {0}")]
    Unavailable(String),
    /// This mail was not taken now; it may be later.
    #[error("the mail was not taken: {0}")]
    Temporary(String),
    /// This mail will never be taken.
    #[error("the mail was refused: {0}")]
    Refused(String),
}

/// Shorthand.
pub type Result<T, E = Error> = std::result::Result<T, E>;
