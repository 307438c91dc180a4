//! What nodes may use of the world.

mod absent;
mod agent;
mod message;
mod pipeline;
mod retrieval;
mod tool;
mod trigger;

use std::sync::Arc;

pub use absent::Absent;
pub use agent::{AgentInvocation, AgentPort};

use async_trait::async_trait;
use bytes::Bytes;
pub use message::{CallError, CallLog, CallMessage, CallStream};
use ox_engine::RunInfo;
use ox_models::ModelRuntime;
use ox_net::{Caller, Egress};
use ox_sandbox::{CodeLimits, CodeRunner};
use ox_types::File;

use crate::Unstructured;
pub use pipeline::{DatasourceCall, DatasourcePort, IndexPort, IndexRequest};
pub use retrieval::{
    FoundSegment, KeywordWeight, MetadataCondition, MetadataFilter, MultipleRetrieval, RerankingModel, RetrievalMode,
    RetrievalModel, RetrievalPort, RetrievalQuery, Retrieved, SegmentPlace, VectorWeight, Weights,
};
pub use tool::{ParameterForm, ToolDeclaration, ToolInvocation, ToolName, ToolParameter, ToolPort};
pub use trigger::TriggerPort;

/// Everything a node can reach. One value per process.
pub struct Ports {
    pub models: Arc<dyn ModelRuntime>,
    pub http: Arc<dyn EgressPort>,
    pub code: Arc<dyn CodeRunner>,
    pub files: Arc<dyn FilePort>,
    pub history: Arc<dyn HistoryPort>,
    pub retrieval: Arc<dyn RetrievalPort>,
    pub tools: Arc<dyn ToolPort>,
    pub agents: Arc<dyn AgentPort>,
    pub datasources: Arc<dyn DatasourcePort>,
    pub index: Arc<dyn IndexPort>,
    pub triggers: Arc<dyn TriggerPort>,
    /// Reads some documents, where the operator has such a service.
    pub unstructured: Option<Unstructured>,
    pub limits: Limits,
}

/// A port could not do what it was asked; the text is for the user.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub struct PortError(pub String);

/// The way out of the process.
#[async_trait]
pub trait EgressPort: Send + Sync {
    /// The way out for a call of this run's node, under the rules of the run's tenant and told under its name.
    ///
    /// # Errors
    /// When the rules of the run's tenant cannot be read.
    async fn of(&self, run: &RunInfo, node: &str) -> Result<Egress, PortError>;
}

/// The same for every tenant.
#[async_trait]
impl EgressPort for Egress {
    async fn of(&self, run: &RunInfo, node: &str) -> Result<Egress, PortError> {
        Ok(self.called_by(caller(run, node)))
    }
}

/// A node of a run, as it is told in the log of calls.
#[must_use]
pub fn caller(run: &RunInfo, node: &str) -> Caller {
    Caller { workspace: run.tenant_id.to_string(), run: run.run_id.to_string(), node: node.to_owned() }
}

/// Contents of files.
#[async_trait]
pub trait FilePort: Send + Sync {
    /// The bytes of a file of the run's tenant.
    ///
    /// # Errors
    /// When it is gone, foreign or cannot be fetched.
    async fn read(&self, run: &RunInfo, file: &File) -> Result<Bytes, PortError>;

    /// Keeps bytes that a node made, as a tool file.
    ///
    /// # Errors
    /// When they cannot be stored.
    async fn save(&self, run: &RunInfo, filename: &str, mime: &str, bytes: Bytes) -> Result<File, PortError>;

    /// A URL under which someone outside can fetch the file for a while.
    ///
    /// # Errors
    /// When there is none.
    async fn url(&self, run: &RunInfo, file: &File) -> Result<String, PortError>;
}

/// A question of a conversation and its answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HistoryMessage {
    pub id: String,
    /// The message it continues; `None` for the first and for those of old conversations.
    pub parent_id: Option<String>,
    pub query: String,
    pub query_files: Vec<File>,
    pub answer: String,
    pub answer_files: Vec<File>,
    pub answer_tokens: u64,
}

/// The memory of a conversation.
#[async_trait]
pub trait HistoryPort: Send + Sync {
    /// The newest messages of the run's conversation, newest first.
    ///
    /// # Errors
    /// When they cannot be read.
    async fn messages(&self, run: &RunInfo, limit: usize) -> Result<Vec<HistoryMessage>, PortError>;
}

/// No conversation remembers anything.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoHistory;

#[async_trait]
impl HistoryPort for NoHistory {
    async fn messages(&self, _run: &RunInfo, _limit: usize) -> Result<Vec<HistoryMessage>, PortError> {
        Ok(Vec::new())
    }
}

/// How the bytes of a file reach a model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MultimodalFormat {
    #[default]
    Base64,
    Url,
}

/// Limits of nodes, each with the setting that raises it (DSL reference §9).
#[derive(Clone, Debug, PartialEq)]
pub struct Limits {
    pub code_max_number: f64,
    pub code_min_number: f64,
    pub code_max_depth: usize,
    pub code_max_precision: usize,
    pub code_max_string: usize,
    pub code_max_string_array: usize,
    pub code_max_object_array: usize,
    pub code_max_number_array: usize,
    pub code_timeout_seconds: u64,
    pub code_memory_mib: usize,
    pub code_output_kib: usize,
    pub template_max_length: usize,
    pub http_max_connect: u64,
    pub http_max_read: u64,
    pub http_max_write: u64,
    pub http_max_binary: u64,
    pub http_max_text: u64,
    pub http_ssl_verify: bool,
    pub multimodal: MultimodalFormat,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            code_max_number: 9_223_372_036_854_775_807.0,
            code_min_number: -9_223_372_036_854_775_807.0,
            code_max_depth: 5,
            code_max_precision: 20,
            code_max_string: 400_000,
            code_max_string_array: 30,
            code_max_object_array: 30,
            code_max_number_array: 1000,
            code_timeout_seconds: 15,
            code_memory_mib: 256,
            code_output_kib: 8192,
            template_max_length: 400_000,
            http_max_connect: 10,
            http_max_read: 600,
            http_max_write: 600,
            http_max_binary: 10 * 1024 * 1024,
            http_max_text: 1024 * 1024,
            http_ssl_verify: true,
            multimodal: MultimodalFormat::Base64,
        }
    }
}

impl Limits {
    /// What one run of code may use.
    #[must_use]
    pub const fn code(&self) -> CodeLimits {
        CodeLimits {
            timeout: std::time::Duration::from_secs(self.code_timeout_seconds),
            memory_bytes: self.code_memory_mib << 20,
            output_bytes: self.code_output_kib << 10,
        }
    }

    /// Reads the settings of the environment; the second value names those that cannot be read.
    #[must_use]
    pub fn from_env(read: impl Fn(&str) -> Option<String>) -> (Self, Vec<String>) {
        let mut limits = Self::default();
        let mut wrong = Vec::new();
        let mut set = |name: &str, apply: &mut dyn FnMut(&str) -> Option<()>| {
            if let Some(text) = read(name).filter(|text| !text.trim().is_empty())
                && apply(text.trim()).is_none()
            {
                wrong.push(format!("{name}={text}"));
            }
        };
        macro_rules! numbers {
            ($($name:literal => $field:ident),+ $(,)?) => {
                $(set($name, &mut |text| { limits.$field = text.parse().ok()?; Some(()) });)+
            };
        }
        numbers! {
            "CODE_MAX_NUMBER" => code_max_number,
            "CODE_MIN_NUMBER" => code_min_number,
            "CODE_MAX_DEPTH" => code_max_depth,
            "CODE_MAX_PRECISION" => code_max_precision,
            "CODE_MAX_STRING_LENGTH" => code_max_string,
            "CODE_MAX_STRING_ARRAY_LENGTH" => code_max_string_array,
            "CODE_MAX_OBJECT_ARRAY_LENGTH" => code_max_object_array,
            "CODE_MAX_NUMBER_ARRAY_LENGTH" => code_max_number_array,
            "WORKER_TIMEOUT" => code_timeout_seconds,
            "SANDBOX_WORKER_TIMEOUT" => code_timeout_seconds,
            "OXIDIFY_SANDBOX_MEMORY_MB" => code_memory_mib,
            "OXIDIFY_SANDBOX_OUTPUT_KB" => code_output_kib,
            "TEMPLATE_TRANSFORM_MAX_LENGTH" => template_max_length,
            "HTTP_REQUEST_MAX_CONNECT_TIMEOUT" => http_max_connect,
            "HTTP_REQUEST_MAX_READ_TIMEOUT" => http_max_read,
            "HTTP_REQUEST_MAX_WRITE_TIMEOUT" => http_max_write,
            "HTTP_REQUEST_NODE_MAX_BINARY_SIZE" => http_max_binary,
            "HTTP_REQUEST_NODE_MAX_TEXT_SIZE" => http_max_text,
        }
        set("HTTP_REQUEST_NODE_SSL_VERIFY", &mut |text| {
            limits.http_ssl_verify = match text.to_ascii_lowercase().as_str() {
                "true" | "1" | "yes" | "on" => true,
                "false" | "0" | "no" | "off" => false,
                _ => return None,
            };
            Some(())
        });
        set("MULTIMODAL_SEND_FORMAT", &mut |text| {
            limits.multimodal = match text {
                "base64" => MultimodalFormat::Base64,
                "url" => MultimodalFormat::Url,
                _ => return None,
            };
            Some(())
        });
        (limits, wrong)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_override_and_mistakes_are_named() {
        let (limits, wrong) = Limits::from_env(|name| {
            Some(
                match name {
                    "CODE_MAX_STRING_ARRAY_LENGTH" => "100",
                    "HTTP_REQUEST_NODE_SSL_VERIFY" => "False",
                    "CODE_MAX_DEPTH" => "deep",
                    "MULTIMODAL_SEND_FORMAT" => "url",
                    _ => return None,
                }
                .to_owned(),
            )
        });
        assert_eq!((limits.code_max_string_array, limits.http_ssl_verify), (100, false));
        assert_eq!(limits.multimodal, MultimodalFormat::Url);
        assert_eq!(limits.code_max_depth, 5);
        assert_eq!(wrong, ["CODE_MAX_DEPTH=deep"]);
    }
}
