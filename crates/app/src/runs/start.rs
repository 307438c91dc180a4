//! Starting a run: the checks in their fixed order, then the launch.

use std::sync::Arc;

use ox_types::{ConversationId, Json, MessageId, Object, Value, boxed};
use serde_json::Map;
use uuid::Uuid;

use super::{
    compiled,
    event::{AppMode, InvokeFrom, RunUser},
    hub::Subscription,
    launch::{self, ChatPart, How, Launch},
    limits::{self, RunPermit},
    published::Key,
    told,
};
use crate::{
    AppCaller, Error, Result, Services, annotation_reply,
    chat::{basic, prompt::Round},
    files::{FileReader, FileRules},
    moderation::{InputVerdict, Moderator},
};

/// What a caller asks for.
#[derive(Clone, Debug, Default)]
pub struct RunRequest {
    pub inputs: Map<String, Json>,
    pub query: Option<String>,
    pub files: Vec<Json>,
    /// The caller waits for the whole answer.
    pub blocking: bool,
    pub conversation_id: Option<ConversationId>,
    pub parent_message_id: Option<MessageId>,
    pub auto_generate_name: bool,
    /// A published version other than the live one.
    pub workflow_id: Option<String>,
    /// The caller's own name for this call, in traces.
    pub trace_id: Option<String>,
    /// The id the run will have, where it was promised beforehand.
    pub run_id: Option<ox_types::RunId>,
    /// Where the result is sent when nobody waits for it.
    pub result_to: Option<super::result_webhook::Target>,
    /// The key it was asked for with, for its limits.
    pub key: Option<Key>,
    /// What was said before, where a new conversation does not begin with its first question.
    pub history: Vec<Round>,
    /// Instructions of the caller's, behind those of a basic chat app.
    pub system: Option<String>,
    /// How many apps have called one another as tools to come here.
    pub call_depth: u32,
    /// Their runs, outermost first.
    pub callers: Vec<super::runtime::Above>,
}

/// Starts a run of the caller's app and returns its stream.
///
/// # Errors
/// Everything that is wrong with the request, in the order that the compatible API promises.
#[boxed]
pub async fn start(services: &Arc<Services>, caller: &AppCaller, request: RunRequest) -> Result<Subscription> {
    let app = &caller.app.app;
    let permit = limits::enter(services, app, request.key).await?;
    let is_heard = !request.blocking && request.result_to.is_none();
    let run = begin(services, caller, request, permit).await?;
    Ok(if is_heard { crate::audio::read_aloud(services, caller, run).await } else { run })
}

async fn begin(
    services: &Arc<Services>,
    caller: &AppCaller,
    request: RunRequest,
    permit: RunPermit,
) -> Result<Subscription> {
    match caller.app.mode {
        AppMode::Workflow | AppMode::AdvancedChat => start_graph(services, caller, request, permit).await,
        AppMode::AgentChat if request.blocking => Err(Error::invalid("Agent Chat App does not support blocking mode")),
        AppMode::Chat | AppMode::Completion | AppMode::AgentChat => {
            basic::start(services, caller, request, Some(permit)).await
        }
    }
}

async fn start_graph(
    services: &Arc<Services>,
    caller: &AppCaller,
    request: RunRequest,
    permit: RunPermit,
) -> Result<Subscription> {
    let compiled = match request.workflow_id.as_deref().filter(|id| !id.is_empty()) {
        Some(id) => compiled::asked_version(services, &caller.app, id).await?,
        None => compiled::live_version(services, &caller.app).await?,
    };
    launch_checked(services, caller, request, compiled, Some(permit)).await
}

/// Runs the live version of an app as a tool of another run. It is part of that run: no limits of its own count.
///
/// # Errors
/// When it is not published, its inputs are wrong, or too many call one another.
pub(crate) async fn start_tool(
    services: &Arc<Services>,
    caller: &AppCaller,
    request: RunRequest,
) -> Result<Subscription> {
    let most = services.settings.limits.max_call_depth;
    if request.call_depth > most {
        return Err(Error::invalid(format!("Max workflow call depth {most} reached.")));
    }
    if !caller.app.mode.is_graph() {
        return basic::start(services, caller, request, None).await;
    }
    let compiled = compiled::live_version(services, &caller.app).await?;
    launch_checked(services, caller, request, compiled, None).await
}

/// Runs a draft for its editor: the graph as it is saved, or as it was sent.
///
/// # Errors
/// As [`start`].
#[boxed]
pub async fn start_draft(
    services: &Arc<Services>,
    caller: &AppCaller,
    draft: &ox_db::model::Workflow,
    request: RunRequest,
) -> Result<Subscription> {
    let caller = AppCaller { invoke_from: InvokeFrom::Debugger, ..caller.clone() };
    let permit = services.runs.enter(caller.app.app.id)?;
    let compiled = Arc::new(compiled::compile(services, draft).await?);
    launch_checked(services, &caller, request, compiled, Some(permit)).await
}

/// An event that starts a run.
pub(crate) struct EventStart {
    /// What it brings, under the names of its node's outputs.
    pub inputs: Object,
    pub how: How,
    /// The draft, where it is tried out; `None`: the published version.
    pub draft: Option<ox_db::model::Workflow>,
    pub permit: RunPermit,
}

/// Runs a workflow from one of its triggers.
///
/// # Errors
/// When it is not published, or does not have the trigger (any more).
pub(crate) async fn start_event(
    services: &Arc<Services>,
    caller: &AppCaller,
    event: EventStart,
) -> Result<Subscription> {
    let EventStart { inputs, how, draft, permit } = event;
    let compiled = match &draft {
        Some(draft) => Arc::new(compiled::compile(services, draft).await?),
        None => compiled::live_version(services, &caller.app).await?,
    };
    let root = how.root.as_deref().unwrap_or_default();
    let engine = compiled.engine.as_ref().map_err(|why| Error::invalid(why.clone()))?;
    if !engine.graph().nodes.iter().any(|node| node.id == root && node.kind.starts_with("trigger-")) {
        return Err(Error::not_found(format!("The workflow has no trigger {root}.")));
    }
    let launch = Launch { compiled, inputs, files: Vec::new(), chat: None, permit: Some(permit), trace_id: None, how };
    launch::launch(services, caller, launch).await
}

async fn launch_checked(
    services: &Arc<Services>,
    caller: &AppCaller,
    request: RunRequest,
    compiled: Arc<compiled::CompiledWorkflow>,
    permit: Option<RunPermit>,
) -> Result<Subscription> {
    let is_chat = caller.app.mode == AppMode::AdvancedChat;
    let query = if is_chat { Some(checked_query(request.query.as_deref())?) } else { None };
    let conversation = match request.conversation_id {
        Some(id) if is_chat => Some(crate::conversations::find(services, caller, id).await?),
        _ => None,
    };
    let strict = !is_chat && caller.invoke_from == InvokeFrom::ServiceApi;
    let reader = reader(services, caller, strict);
    let files = graph_files(&reader, &request, &compiled, is_chat).await?;
    let inputs = compiled.form.check(&Json::Object(request.inputs), &reader).await?;
    let mut inputs = inputs;
    let chat = query.map(|query| ChatPart {
        query,
        asked: None,
        conversation,
        parent_message_id: request.parent_message_id,
        auto_generate_name: request.auto_generate_name,
        history: request.history,
    });
    let chat = match chat {
        Some(mut chat) => {
            // Checked before anything begins: a run whose question may not be asked does not exist.
            if let Some(answer) = moderate(services, caller, &compiled, &mut inputs, &mut chat).await? {
                return told::tell(
                    services,
                    caller,
                    &compiled,
                    told::Told { inputs, files, chat, answer, permit, matched: None },
                )
                .await;
            }
            let question = chat.asked.as_deref().unwrap_or(&chat.query);
            if let Some(matched) = annotation_reply::reply(services, &caller.app, question).await {
                let answer = matched.annotation.content.clone();
                let told = told::Told { inputs, files, chat, answer, permit, matched: Some(matched) };
                return told::tell(services, caller, &compiled, told).await;
            }
            Some(chat)
        }
        None => None,
    };
    let run_id = match &request.result_to {
        Some(target) => {
            let id = request.run_id.unwrap_or_else(ox_types::RunId::new);
            super::result_webhook::keep_target(services, caller, id, target).await?;
            Some(id)
        }
        None => request.run_id,
    };
    let how = How { run_id, call_depth: request.call_depth, callers: request.callers, ..How::default() };
    launch::launch(services, caller, Launch { compiled, inputs, files, chat, permit, trace_id: request.trace_id, how })
        .await
}

/// Input moderation of a chatflow; the prepared answer, where there is to be no run.
async fn moderate(
    services: &Arc<Services>,
    caller: &AppCaller,
    compiled: &compiled::CompiledWorkflow,
    inputs: &mut Object,
    chat: &mut ChatPart,
) -> Result<Option<String>> {
    let feature = compiled.features.sensitive_word_avoidance.as_ref();
    let user = caller.user.id().to_string();
    let Some(moderator) = Moderator::new(services, feature, caller.tenant_id(), caller.app.app.id, user) else {
        return Ok(None);
    };
    match moderator.inputs(inputs, &chat.query).await? {
        InputVerdict::Pass => Ok(None),
        InputVerdict::Answer(text) => Ok(Some(text)),
        InputVerdict::Replace { inputs: replaced, query } => {
            *inputs = replaced;
            chat.asked = Some(query);
            Ok(None)
        }
    }
}

/// The reader of a caller's files.
pub(crate) fn reader<'a>(services: &'a Services, caller: &AppCaller, strict: bool) -> FileReader<'a> {
    let end_user = match &caller.user {
        RunUser::EndUser { id, .. } => Some(*id),
        RunUser::Account { .. } => None::<Uuid>,
    };
    FileReader { store: &services.files, tenant_id: caller.tenant_id(), end_user, strict }
}

async fn graph_files(
    reader: &FileReader<'_>,
    request: &RunRequest,
    compiled: &compiled::CompiledWorkflow,
    is_chat: bool,
) -> Result<Vec<Value>> {
    if request.files.is_empty() {
        return Ok(Vec::new());
    }
    let rules = compiled.features.file_upload.as_ref().map(FileRules::from);
    // Without the feature a workflow takes any file; a chat takes none.
    if is_chat && rules.is_none() {
        return Ok(Vec::new());
    }
    let files = reader.list(&request.files, rules.as_ref()).await?;
    Ok(files.into_iter().map(Value::from).collect())
}

/// The question, without NUL; it must not be empty.
pub(crate) fn checked_query(query: Option<&str>) -> Result<String> {
    let query = query.unwrap_or_default().replace('\0', "");
    if query.is_empty() { Err(Error::invalid_field("query", "query is required")) } else { Ok(query) }
}

/// Inputs as JSON, for rows.
pub(crate) fn inputs_json(inputs: &Object) -> Json {
    Json::Object(inputs.iter().map(|(name, value)| (name.clone(), value.to_json())).collect())
}
