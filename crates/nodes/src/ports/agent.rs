//! The port to agent strategies.

use async_trait::async_trait;
use ox_engine::RunInfo;
use ox_models::Message;
use ox_types::{Json, NodeRunId};
use serde_json::Map;

use super::message::{CallError, CallStream};

/// A task for an agent.
#[derive(Clone, Debug)]
pub struct AgentInvocation {
    /// `author/plugin/provider`.
    pub provider: String,
    /// `function_calling`, `ReAct`, …
    pub strategy: String,
    pub plugin_unique_identifier: Option<String>,
    /// The strategy's parameters, resolved: `model`, `tools`, `instruction`, `query`, `maximum_iterations`, …
    pub parameters: Map<String, Json>,
    /// The conversation before, oldest first.
    pub history: Vec<Message>,
    pub node_run_id: NodeRunId,
    pub node_id: String,
}

/// Agent strategies of the run's workspace.
#[async_trait]
pub trait AgentPort: Send + Sync {
    /// Lets an agent work on a task.
    ///
    /// # Errors
    /// When there is no such strategy here (`AgentStrategyNotFoundError`) or it cannot begin.
    async fn invoke(&self, run: &RunInfo, task: AgentInvocation) -> Result<CallStream, CallError>;
}
