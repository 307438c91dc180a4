//! The port to tools.

use async_trait::async_trait;
use ox_engine::RunInfo;
use ox_types::{Json, NodeRunId};
use serde_json::Map;

use super::message::{CallError, CallStream};

/// Which tool a node names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ToolName {
    /// `builtin`, `plugin`, `workflow`, `api`, `app`, `dataset-retrieval`, `mcp`.
    pub provider_type: String,
    pub provider_id: String,
    pub provider_name: String,
    pub tool: String,
    pub credential_id: Option<String>,
    pub plugin_unique_identifier: Option<String>,
}

/// What a tool declares about itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ToolDeclaration {
    /// As people see it.
    pub label: String,
    /// What it does, for the model that may call it.
    pub description: String,
    pub parameters: Vec<ToolParameter>,
    /// JSON schema of the variables it produces besides `text`, `files` and `json`.
    pub output_schema: Option<Json>,
}

/// A declared parameter.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ToolParameter {
    pub name: String,
    /// `string`, `number`, `boolean`, `select`, `secret-input`, `file`, `files`, `system-files`, …
    pub kind: String,
    pub required: bool,
    pub default: Option<Json>,
    /// Who gives the value.
    pub form: ParameterForm,
    /// What it means, for the model that fills it in.
    pub description: String,
    /// The values of a `select`.
    pub options: Vec<String>,
    /// Its whole JSON schema, where the kind says less.
    pub schema: Option<Json>,
}

/// Who gives a parameter its value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ParameterForm {
    /// The model that calls the tool, or the node.
    #[default]
    Llm,
    /// Whoever sets the tool up.
    Form,
    /// Whoever sets the tool up, for all its calls.
    Schema,
}

/// A call of a tool.
#[derive(Clone, Debug)]
pub struct ToolInvocation {
    pub tool: ToolName,
    /// Values by parameter; files are in their JSON form.
    pub parameters: Map<String, Json>,
    /// Settings of the form, as opposed to parameters.
    pub settings: Map<String, Json>,
    /// Stable over retries: the idempotency key of what the tool calls in turn.
    pub node_run_id: NodeRunId,
    pub node_id: String,
}

/// Tools of the run's workspace.
#[async_trait]
pub trait ToolPort: Send + Sync {
    /// What a tool declares.
    ///
    /// # Errors
    /// When there is no such tool here, or its provider is not set up.
    async fn describe(&self, run: &RunInfo, tool: &ToolName) -> Result<ToolDeclaration, CallError>;

    /// Calls a tool.
    ///
    /// # Errors
    /// When it cannot be called; what goes wrong later comes in the stream.
    async fn invoke(&self, run: &RunInfo, call: ToolInvocation) -> Result<CallStream, CallError>;
}
