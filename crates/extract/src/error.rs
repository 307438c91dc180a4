/// Why a document has no text. The message is for the user.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("Unable to determine file type: MIME type or file extension is missing")]
    UnknownType,
    #[error("Unsupported Extension Type: {0}")]
    UnsupportedExtension(String),
    #[error("Unsupported MIME type: {0}")]
    UnsupportedMime(String),
    #[error("Failed to extract text from {format}: {why}")]
    Broken { format: &'static str, why: String },
    #[error("The file is too large to read: {what} exceeds {limit} bytes.")]
    TooLarge { what: &'static str, limit: u64 },
    #[error("Reading the file took longer than {0} seconds.")]
    TooLong(u64),
    /// Nobody waits for the text any more.
    #[error("Reading the file was stopped.")]
    Stopped,
}

impl Error {
    /// The content is not what its format says.
    #[expect(clippy::needless_pass_by_value, reason = "callers hand errors over")]
    pub(crate) fn broken(format: &'static str, why: impl ToString) -> Self {
        Self::Broken { format, why: why.to_string() }
    }
}
