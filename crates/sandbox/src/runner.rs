//! The port: what is asked of a driver and what it answers.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use ox_net::{Caller, Rules};
use ox_text::jinja::{self, JinjaError};
use ox_types::Json;
use serde::{Deserialize, Serialize};

/// Setting that lets code run where the machine cannot confine it well.
pub const UNCONFINED_SETTING: &str = "OXIDIFY_CODE_UNCONFINED";

/// In what the code is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Language {
    #[serde(rename = "javascript", alias = "nodejs")]
    JavaScript,
    #[serde(rename = "python3")]
    Python3,
}

impl Language {
    /// The wire name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::JavaScript => "javascript",
            Self::Python3 => "python3",
        }
    }
}

/// What one call may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodeLimits {
    /// Wall clock, without the time spent waiting for a free worker.
    pub timeout: Duration,
    pub memory_bytes: usize,
    /// Size of the result as JSON text.
    pub output_bytes: usize,
}

impl Default for CodeLimits {
    fn default() -> Self {
        Self { timeout: Duration::from_secs(15), memory_bytes: 256 << 20, output_bytes: 8 << 20 }
    }
}

/// One call of `main`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CodeRequest {
    /// Whose code this is: code of two workspaces never meets in one worker. Its calls are told under this name.
    #[serde(skip)]
    pub caller: Caller,
    /// Where the workspace lets its calls go, on top of the operator's policy.
    #[serde(skip)]
    pub rules: Option<Arc<Rules>>,
    pub language: Language,
    /// Must define `main`.
    pub code: String,
    /// The arguments by name.
    pub inputs: serde_json::Map<String, Json>,
    pub limits: CodeLimits,
}

/// One rendering of a Jinja2 template that could take much memory.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TemplateRequest {
    /// Whose template this is.
    pub workspace: String,
    pub template: String,
    /// The variables by name.
    pub variables: serde_json::Map<String, Json>,
    pub limits: jinja::Limits,
}

/// What `main` returned.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CodeOutput {
    pub result: serde_json::Map<String, Json>,
}

/// Why there is no result. The texts hold the words users know from the compatible system.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub enum CodeError {
    /// Code cannot be confined here, and the operator did not say that it may run anyway.
    #[error(
        "Code execution is off: {0}. Set {UNCONFINED_SETTING}=true to run code with the protection there is \
         (only where everyone who can edit an app is trusted)."
    )]
    Off(String),
    /// The driver does not know the language.
    #[error("{0}")]
    Unsupported(String),
    /// The code took too long.
    #[error("error: timeout: the code did not finish within {seconds} s")]
    Timeout { seconds: String },
    /// The code needed too much memory.
    #[error("error: out of memory: the code may use at most {limit_mib} MiB")]
    Memory { limit_mib: usize },
    /// The code printed more than it may.
    #[error("error: the code printed more than {limit} bytes (OXIDIFY_SANDBOX_OUTPUT_KB raises this limit)")]
    PrintedTooMuch { limit: usize },
    /// The result is too large.
    #[error("error: the result is too large: {size} bytes, at most {limit} are allowed")]
    OutputTooLarge { size: usize, limit: usize },
    /// The code threw, or cannot be read.
    #[error("{text}")]
    Exception { text: String, line: Option<u32>, column: Option<u32> },
    /// `main` returned something that is not an object.
    #[error("{0}")]
    BadResult(String),
    /// More calls wait than may.
    #[error("Code execution service is unavailable: too many requests")]
    Busy,
    /// Our own fault.
    #[error("the code runner failed: {0}")]
    Internal(String),
}

impl CodeError {
    pub(crate) fn timeout(limits: CodeLimits) -> Self {
        Self::Timeout { seconds: limits.timeout.as_secs_f64().to_string() }
    }
}

/// Runs code.
#[async_trait]
pub trait CodeRunner: Send + Sync {
    /// Runs `main` of the code with the inputs. Dropping the future stops the code.
    async fn run(&self, request: CodeRequest) -> Result<CodeOutput, CodeError>;

    /// Renders a template. Drivers with processes of their own do it there; in the others its memory is not bounded.
    async fn render(&self, request: TemplateRequest) -> Result<String, JinjaError> {
        let work =
            tokio::task::spawn_blocking(move || jinja::render(&request.template, &request.variables, request.limits));
        work.await.unwrap_or_else(|error| Err(JinjaError::Failed { line: None, why: error.to_string() }))
    }
}

/// The driver where code does not run, with the reason.
#[derive(Clone, Debug)]
pub struct Off(pub String);

impl Default for Off {
    fn default() -> Self {
        Self("no sandbox is configured".into())
    }
}

#[async_trait]
impl CodeRunner for Off {
    async fn run(&self, _request: CodeRequest) -> Result<CodeOutput, CodeError> {
        Err(CodeError::Off(self.0.clone()))
    }
}
