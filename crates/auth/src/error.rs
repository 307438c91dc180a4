use std::path::PathBuf;

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, by what the caller can do about it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The token is not ours, was changed, or is of another kind.
    #[error("the token is not valid")]
    InvalidToken(#[source] Option<jsonwebtoken::errors::Error>),
    /// The token was ours once.
    #[error("the token has expired")]
    ExpiredToken,
    /// It was encrypted with another key, or was changed.
    #[error("the secret cannot be decrypted: it was encrypted with another SECRET_KEY, or is damaged")]
    CannotDecrypt,
    /// A setting or stored value has the wrong form.
    #[error("{0}")]
    Malformed(String),
    /// The file of the secret key cannot be used.
    #[error("the secret key file {path}: {cause}")]
    SecretFile { path: PathBuf, cause: std::io::Error },
    /// The cryptographic library refused; a bug.
    #[error("cryptographic operation failed: {0}")]
    Crypto(String),
}
