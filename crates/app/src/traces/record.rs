//! A trace as it is read from the record of a run or a message.

use chrono::{DateTime, Duration, Utc};
use ox_db::{
    model::{Message, NodeExecution, WorkflowRun},
    repo,
};
use ox_models::Usage;
use ox_types::{AppId, EndUserId, Json, MessageId, RunId, TenantId};
use serde_json::{Map, json};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::rounds;
use crate::{Result, Services};

/// Characters of a value that is told in full.
const MAX_VALUE: usize = 100_000;

/// What happened, from its beginning to its end.
#[derive(Clone, Debug)]
pub struct Trace {
    pub id: Uuid,
    /// The caller's own name for it.
    pub external_id: Option<String>,
    pub app: AppId,
    pub tenant: TenantId,
    pub name: &'static str,
    /// The conversation.
    pub session: Option<String>,
    pub user: Option<String>,
    pub start: DateTime<Utc>,
    pub end: DateTime<Utc>,
    pub input: Json,
    pub output: Json,
    pub error: Option<String>,
    pub metadata: Map<String, Json>,
    pub spans: Vec<Span>,
}

/// What a span is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpanKind {
    Generation,
    Tool,
    Retrieval,
    Other,
}

/// One step of it.
#[derive(Clone, Debug)]
pub struct Span {
    pub id: Uuid,
    pub parent: Option<Uuid>,
    pub name: String,
    pub kind: SpanKind,
    pub start: DateTime<Utc>,
    pub end: DateTime<Utc>,
    pub input: Json,
    pub output: Json,
    pub error: Option<String>,
    pub model: Option<String>,
    pub provider: Option<String>,
    pub usage: Option<Usage>,
    pub metadata: Map<String, Json>,
}

/// An id that is always the same for the same thing: whoever gets it twice knows it.
pub fn derived(id: Uuid, what: &str) -> Uuid {
    let digest = Sha256::digest([id.as_bytes().as_slice(), what.as_bytes()].concat());
    let mut bytes = [0; 16];
    bytes.iter_mut().zip(digest).for_each(|(byte, from)| *byte = from);
    Uuid::from_bytes(bytes)
}

/// A JSON column; one that is too long is cut as text.
pub(super) fn value(text: Option<&str>) -> Json {
    let Some(text) = text else { return Json::Null };
    if text.len() <= MAX_VALUE {
        return serde_json::from_str(text).unwrap_or_else(|_| text.into());
    }
    cut(text).into()
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(MAX_VALUE) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

pub(super) fn seconds(number: f64) -> Duration {
    std::time::Duration::try_from_secs_f64(number).ok().and_then(|d| Duration::from_std(d).ok()).unwrap_or_default()
}

/// The trace of a run, with the message that it answers.
pub async fn of_run(services: &Services, tenant: TenantId, app: AppId, id: RunId) -> Result<Option<Trace>> {
    let Some(run) = repo::runs::find(&services.db, tenant, app, id).await? else { return Ok(None) };
    let nodes = repo::runs::executions_of(&services.db, &run).await?;
    let message = repo::messages::of_run(&services.db, app, id, run.created_at).await?;
    let user = match run.created_by_role.as_str() {
        "end_user" => {
            let found = repo::end_users::find(&services.db, tenant, app, EndUserId(run.created_by)).await?;
            found.map(|user| user.session_id)
        }
        _ => Some(run.created_by.to_string()),
    };
    Ok(Some(build(&run, &nodes, message.as_ref(), user)))
}

fn build(run: &WorkflowRun, nodes: &[NodeExecution], message: Option<&Message>, user: Option<String>) -> Trace {
    let labels: Json = value(run.labels.as_deref());
    let mut metadata = Map::new();
    metadata.extend([
        ("workflow_id".to_owned(), json!(run.workflow_id)),
        ("workflow_run_id".to_owned(), json!(run.id)),
        ("version".to_owned(), json!(run.version)),
        ("triggered_from".to_owned(), json!(run.triggered_from)),
        ("status".to_owned(), json!(run.status.as_str())),
        ("total_tokens".to_owned(), json!(run.total_tokens)),
        ("total_steps".to_owned(), json!(run.total_steps)),
    ]);
    if let Some(message) = message {
        metadata.insert("message_id".to_owned(), json!(message.id));
    }
    let root = derived(run.id.0, "root");
    let spans = nodes.iter().map(|node| span(node, nodes, root)).collect();
    Trace {
        id: run.id.0,
        external_id: labels.get("trace_id").and_then(Json::as_str).map(str::to_owned),
        app: run.app_id,
        tenant: run.tenant_id,
        name: if message.is_some() { "message" } else { "workflow" },
        session: message.map(|message| message.conversation_id.to_string()),
        user,
        start: run.created_at,
        end: run.finished_at.unwrap_or_else(|| run.created_at + seconds(run.elapsed_time)),
        input: message.map_or_else(|| value(run.inputs.as_deref()), |message| cut(&message.query).into()),
        output: message.map_or_else(|| value(run.outputs.as_deref()), |message| cut(&message.answer).into()),
        error: run.error.clone(),
        metadata,
        spans,
    }
}

fn span(node: &NodeExecution, all: &[NodeExecution], root: Uuid) -> Span {
    let process = value(node.process_data.as_deref());
    let outputs = value(node.outputs.as_deref());
    let text = |name: &str| process.get(name).and_then(Json::as_str).map(str::to_owned);
    let usage = process.get("usage").or_else(|| outputs.get("usage")).filter(|usage| usage.is_object());
    let model = text("model_name");
    let kind = match node.node_type.as_str() {
        "llm" | "question-classifier" | "parameter-extractor" => SpanKind::Generation,
        "tool" | "agent" | "http-request" => SpanKind::Tool,
        "knowledge-retrieval" => SpanKind::Retrieval,
        _ => SpanKind::Other,
    };
    // `[[container, index], …]`: the last one is what the node is in.
    let container = node.frame.as_deref().and_then(|text| serde_json::from_str::<Vec<(String, Json)>>(text).ok());
    let container = container.and_then(|path| path.last().map(|(id, _)| id.clone()));
    let parent = container.and_then(|id| all.iter().find(|other| other.node_id == id)).map(|other| other.id.0);
    let prompts = process.get("prompts").filter(|_| kind == SpanKind::Generation).cloned();
    let said = outputs.get("text").filter(|_| kind == SpanKind::Generation).cloned();
    Span {
        id: node.id.0,
        parent: Some(parent.unwrap_or(root)),
        name: if node.title.is_empty() { node.node_type.clone() } else { node.title.clone() },
        kind,
        start: node.created_at,
        end: node.finished_at.unwrap_or_else(|| node.created_at + seconds(node.elapsed_time)),
        input: prompts.unwrap_or_else(|| value(node.inputs.as_deref())),
        output: said.unwrap_or_else(|| outputs.clone()),
        error: node.error.clone(),
        provider: text("model_provider"),
        usage: usage.and_then(|usage| serde_json::from_value(usage.clone()).ok()),
        model,
        metadata: Map::from_iter([
            ("node_id".to_owned(), json!(node.node_id)),
            ("node_type".to_owned(), json!(node.node_type)),
            ("status".to_owned(), json!(node.status.as_str())),
        ])
        .into_iter()
        .chain(beside(&process))
        .collect(),
    }
}

/// Who answered and what the model's window had no room for, as a span tells it.
pub(super) fn beside(told: &Json) -> impl Iterator<Item = (String, Json)> {
    let names = ["answered_by", "context_window"].into_iter();
    names.filter_map(move |name| Some((name.to_owned(), told.get(name)?.clone())))
}

/// The trace of a message of a basic app.
pub async fn of_message(services: &Services, tenant: TenantId, app: AppId, id: MessageId) -> Result<Option<Trace>> {
    let Some(message) = repo::messages::find(&services.db, app, id).await? else { return Ok(None) };
    let user = match (message.from_end_user_id, message.from_account_id) {
        (Some(user), _) => repo::end_users::find(&services.db, tenant, app, user).await?.map(|user| user.session_id),
        (None, account) => account.map(|id| id.to_string()),
    };
    let end = message.created_at + seconds(message.provider_response_latency);
    let metadata = value(message.message_metadata.as_deref());
    let usage: Option<Usage> = metadata.get("usage").and_then(|usage| serde_json::from_value(usage.clone()).ok());
    let (input, output): (Json, Json) = (cut(&message.query).into(), cut(&message.answer).into());
    let about = Map::from_iter([
        ("message_id".to_owned(), json!(message.id)),
        ("conversation_id".to_owned(), json!(message.conversation_id)),
        ("inputs".to_owned(), value(Some(&message.inputs))),
        ("from_source".to_owned(), json!(message.from_source)),
    ]);
    let rounds =
        if message.agent_based { repo::agent_thoughts::of_messages(&services.db, &[id]).await? } else { Vec::new() };
    let generation = Span {
        id: derived(id.0, "generation"),
        parent: Some(derived(id.0, "root")),
        name: "llm".to_owned(),
        kind: SpanKind::Generation,
        start: message.created_at,
        end,
        input: value(message.message.as_deref()),
        output: output.clone(),
        error: message.error.clone(),
        model: message.model_id.clone(),
        provider: message.model_provider.clone(),
        usage,
        metadata: beside(&metadata).collect(),
    };
    Ok(Some(Trace {
        id: id.0,
        external_id: None,
        app,
        tenant,
        name: "message",
        session: Some(message.conversation_id.to_string()),
        user,
        start: message.created_at,
        end,
        input,
        output,
        error: message.error.clone(),
        metadata: about,
        // The rounds of an agent tell what it used; its sum would count that twice.
        spans: if rounds.is_empty() { vec![generation] } else { rounds::spans(&message, &rounds) },
    }))
}
