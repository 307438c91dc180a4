//! Agent strategies, and what an agent did for an answer.

use axum::{Json, extract::State};
use ox_app::{
    Services,
    agents::{self, AgentLog},
    model::AgentThought,
};
use ox_types::{AppId, ConversationId, MessageId};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use uuid::Uuid;

use super::{App, guard::Caller, view::seconds};
use crate::{
    ApiResult,
    error::ErrorBody,
    extract::{Path, Query},
    openapi::routes,
    thoughts,
};

pub fn router() -> OpenApiRouter<std::sync::Arc<Services>> {
    OpenApiRouter::new().routes(routes!(providers)).routes(routes!(provider)).routes(routes!(log))
}

/// Providers of agent strategies.
#[utoipa::path(get, path = "/workspaces/current/agent-providers", tag = "agents",
    responses((status = 200, body = Vec<Object>), (status = 401, body = ErrorBody)))]
async fn providers(_caller: Caller) -> Json<Vec<Value>> {
    Json(agents::providers())
}

/// One provider of agent strategies.
#[utoipa::path(get, path = "/workspaces/current/agent-provider/{provider}", tag = "agents", params(("provider" = String, Path)),
    responses((status = 200, body = Object), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn provider(_caller: Caller, Path(provider): Path<String>) -> ApiResult<Json<Value>> {
    Ok(Json(agents::provider(&provider)?))
}

#[derive(Deserialize, IntoParams)]
struct LogQuery {
    message_id: Uuid,
    conversation_id: Uuid,
}

/// What an agent did for an answer, round by round.
#[utoipa::path(get, path = "/apps/{app_id}/agent/logs", tag = "agents", params(("app_id" = Uuid, Path), LogQuery),
    responses((status = 200, body = Object), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn log(
    State(services): App,
    Caller(caller): Caller,
    Path(app): Path<AppId>,
    Query(query): Query<LogQuery>,
) -> ApiResult<Json<Value>> {
    let (conversation, message) = (ConversationId(query.conversation_id), MessageId(query.message_id));
    let AgentLog { row, executor, mode } = agents::log(&services, &caller, app, conversation, message).await?;
    let message = &row.message;
    let iterations: Vec<Value> = row.thoughts.iter().map(iteration).collect();
    let files: Vec<Value> = row
        .files
        .iter()
        .filter(|file| file.belongs_to.as_deref() == Some("assistant"))
        .map(|file| json!({"id": file.id, "type": file.kind, "url": file.url, "upload_file_id": file.upload_file_id}))
        .collect();
    Ok(Json(json!({
        "meta": {
            "status": if message.status == "error" { "error" } else { "success" },
            "executor": executor,
            "start_time": message.created_at.to_rfc3339(),
            "elapsed_time": message.provider_response_latency,
            "total_tokens": message.message_tokens + message.answer_tokens,
            "agent_mode": mode,
            "iterations": iterations.len(),
        },
        "iterations": iterations,
        "files": files,
    })))
}

fn iteration(thought: &AgentThought) -> Value {
    let inputs = thoughts::by_tool(thought.tool_input.as_deref());
    let outputs = thoughts::by_tool(thought.observation.as_deref());
    let calls: Vec<Value> = thoughts::tools(thought)
        .map(|name| {
            let meta = thought.tool_meta.get(name).cloned().unwrap_or_default();
            let error = meta.get("error").cloned().unwrap_or_default();
            json!({
                "status": if error.is_null() { "success" } else { "error" },
                "error": error,
                "time_cost": meta.get("time_cost").cloned().unwrap_or_else(|| json!(0)),
                "tool_name": name,
                "tool_label": thought.tool_labels.get(name),
                "tool_input": inputs.get(name),
                "tool_output": outputs.get(name),
                "tool_parameters": meta.get("tool_parameters"),
                "tool_icon": "",
                "approval": meta.get("approval"),
            })
        })
        .collect();
    json!({
        "tokens": thought.tokens,
        "total_price": thought.total_price,
        "currency": thought.currency,
        "answered_by": thoughts::answered_by(thought),
        "context_window": thoughts::context_window(thought),
        "tool_calls": calls,
        "tool_raw": {
            "inputs": thought.tool_input.as_deref().unwrap_or_default(),
            "outputs": thought.observation.as_deref().unwrap_or_default(),
        },
        "thought": thought.thought,
        "created_at": seconds(thought.created_at),
        "files": thought.message_files,
    })
}
