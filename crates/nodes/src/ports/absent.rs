//! What this server does not have: every call says by name what is missing.

use async_trait::async_trait;
use ox_engine::RunInfo;
use ox_types::Json;
use serde_json::Map;

use super::{
    AgentInvocation, AgentPort, CallError, CallStream, DatasourceCall, DatasourcePort, IndexPort, IndexRequest,
    RetrievalPort, RetrievalQuery, Retrieved, ToolDeclaration, ToolInvocation, ToolName, ToolPort, TriggerPort,
};

/// Stands for a port nobody has implemented here.
#[derive(Clone, Copy, Debug, Default)]
pub struct Absent;

#[async_trait]
impl RetrievalPort for Absent {
    async fn retrieve(&self, _run: &RunInfo, query: RetrievalQuery) -> Result<Retrieved, CallError> {
        let asked = query.dataset_ids.join(", ");
        Err(CallError::missing(
            "KnowledgeRetrievalNodeError",
            format!("This server has no knowledge bases: {asked} cannot be searched."),
        ))
    }
}

fn no_tool(tool: &ToolName) -> CallError {
    let provider = if tool.provider_id.is_empty() { &tool.provider_name } else { &tool.provider_id };
    let kind = if tool.provider_type.is_empty() { "builtin" } else { &tool.provider_type };
    CallError::missing(
        "ToolNodeError",
        format!("this server has no tool '{}' of the {kind} provider '{provider}'", tool.tool),
    )
}

#[async_trait]
impl ToolPort for Absent {
    async fn describe(&self, _run: &RunInfo, tool: &ToolName) -> Result<ToolDeclaration, CallError> {
        Err(no_tool(tool))
    }

    async fn invoke(&self, _run: &RunInfo, call: ToolInvocation) -> Result<CallStream, CallError> {
        Err(no_tool(&call.tool))
    }
}

#[async_trait]
impl AgentPort for Absent {
    async fn invoke(&self, _run: &RunInfo, task: AgentInvocation) -> Result<CallStream, CallError> {
        Err(CallError::missing(
            "AgentStrategyNotFoundError",
            format!("This server has no agent strategy '{}' of '{}'.", task.strategy, task.provider),
        ))
    }
}

#[async_trait]
impl DatasourcePort for Absent {
    async fn fetch(&self, _run: &RunInfo, call: DatasourceCall) -> Result<CallStream, CallError> {
        Err(CallError::missing(
            "DatasourceNodeError",
            format!("This server has no datasource '{}' of '{}'.", call.datasource, call.provider_name),
        ))
    }
}

fn no_index(request: &IndexRequest) -> CallError {
    CallError::missing(
        "KnowledgeIndexNodeError",
        format!("This server has no knowledge base '{}' to fill.", request.dataset_id),
    )
}

#[async_trait]
impl IndexPort for Absent {
    async fn index(&self, _run: &RunInfo, request: IndexRequest) -> Result<Map<String, Json>, CallError> {
        Err(no_index(&request))
    }

    async fn preview(&self, _run: &RunInfo, request: IndexRequest) -> Result<Map<String, Json>, CallError> {
        Err(no_index(&request))
    }
}

#[async_trait]
impl TriggerPort for Absent {
    async fn has_provider(&self, _run: &RunInfo, _provider: &str) -> bool {
        false
    }
}
