use ox_models::ModelError;
use ox_nodes::CallError;

/// Why an agent gives no answer.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// The model could not be asked, or broke off.
    #[error("{0}")]
    Model(ModelError),
    /// Every round was used, and the model still wants tools.
    #[error("Agent exceeded the maximum iteration limit of {0}: the model still asked for a tool in the last round.")]
    MaxIterations(u32),
    /// The model says more than an answer can be.
    #[error("The answer of the model is longer than {0} MB.")]
    TooLong(usize),
}

impl Error {
    /// The class that users see and branch on.
    #[must_use]
    pub const fn class(&self) -> &'static str {
        match self {
            Self::Model(_) => "AgentModelError",
            Self::MaxIterations(_) => "AgentMaxIterationError",
            Self::TooLong(_) => "AgentInvocationError",
        }
    }
}

impl From<ModelError> for Error {
    fn from(error: ModelError) -> Self {
        Self::Model(error)
    }
}

impl From<Error> for CallError {
    fn from(error: Error) -> Self {
        Self::new(error.class(), error.to_string())
    }
}
