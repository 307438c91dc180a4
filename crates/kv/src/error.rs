/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, by what the caller can do about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// No room for another value.
    #[error("the cache is full ({0} entries)")]
    Full(usize),
    /// The value of a counter is not a number.
    #[error("the value of `{0}` is not a number")]
    NotANumber(String),
    /// The subscriber was too slow.
    #[error("{0} messages were lost because they were not read in time")]
    Lagged(u64),
    /// Nobody listened for a while.
    #[error("messages may have been lost: the connection to the cache was interrupted")]
    Interrupted,
    /// The driver does not answer.
    #[error("the cache cannot be reached: {0}")]
    Unavailable(String),
}
