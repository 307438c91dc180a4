//! Launching a checked graph run: rows, pool, sink, engine, and the task that sees it to its end.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use ox_db::model::{Conversation, ConversationVariable, Message, MessageFile, WorkflowAppLog, WorkflowRun};
use ox_engine::{Limits, Pool, Recovery, RunHandle, RunInfo, RunStart, UserKind};
use ox_types::{
    AccountId, ConversationId, EndUserId, FileId, Json, MessageId, Object, RunId, RunStatus, TaskId, Value, ValueType,
};
use serde_json::{Map, json};
use uuid::Uuid;

use super::{
    compiled::CompiledWorkflow,
    delta::{Delta, Touch},
    draft::DraftKeeper,
    event::{AppMode, InvokeFrom, RunUser, StreamBody, StreamHead},
    hub::{Hub, Subscription},
    limits::RunPermit,
    runtime::{Control, LiveRun},
    sink::{LiveVariable, RunBegin, RunSink},
    start::inputs_json,
};
use crate::{
    AppCaller, Result, Services, Settings,
    chat::{self, naming},
    moderation::Guard,
};

/// How long to wait before the end of a run is recorded once more.
const RECORD_AGAIN: std::time::Duration = std::time::Duration::from_secs(5);

/// A run ready to be started.
pub(super) struct Launch {
    pub compiled: Arc<CompiledWorkflow>,
    pub inputs: Object,
    pub files: Vec<Value>,
    pub chat: Option<ChatPart>,
    pub permit: Option<RunPermit>,
    pub trace_id: Option<String>,
    pub how: How,
}

/// How a run begins, other than by a caller's request to the app's own beginning.
#[derive(Clone, Debug, Default)]
pub(crate) struct How {
    /// An id that was promised before.
    pub run_id: Option<RunId>,
    /// The trigger that has fired.
    pub root: Option<String>,
    /// `webhook`, `schedule`, `plugin`.
    pub triggered_from: Option<&'static str>,
}

/// What a chatflow has besides.
pub(super) struct ChatPart {
    pub query: String,
    /// What the run is asked instead, where moderation has replaced it.
    pub asked: Option<String>,
    /// The conversation that goes on; `None` begins one.
    pub conversation: Option<Conversation>,
    pub parent_message_id: Option<MessageId>,
    pub auto_generate_name: bool,
}

/// The ids and times of a run.
struct Ids {
    run_id: RunId,
    task_id: TaskId,
    at: DateTime<Utc>,
}

/// Starts a run.
///
/// # Errors
/// When the conversation's variables cannot be read.
pub(super) async fn launch(services: &Arc<Services>, caller: &AppCaller, launch: Launch) -> Result<Subscription> {
    let Launch { compiled, inputs, files, chat, permit, trace_id, how } = launch;
    let ids = Ids { run_id: how.run_id.unwrap_or_else(RunId::new), task_id: TaskId::new(), at: ox_db::now() };
    let mut with = Delta::default();
    let chat = match chat {
        Some(part) => Some(begin_chat(services, caller, &ids, &compiled, &inputs, &files, part, &mut with).await?),
        None => None,
    };
    let system = system_variables(caller, &compiled, &ids, files, chat.as_ref());
    let variables: Vec<LiveVariable> = chat.as_ref().map(|chat| chat.variables.clone()).unwrap_or_default();
    let inputs_text = shown_inputs(&inputs, &system);
    let head = head_of(caller, &ids, &compiled, chat.as_ref());
    let hub = Hub::new(head);
    let reader = hub.subscribe();
    let engine = match &compiled.engine {
        Ok(engine) => Arc::clone(engine),
        Err(why) => {
            fail_early(&hub, why);
            return Ok(reader);
        }
    };
    let run = run_row(services, caller, &ids, &compiled, &inputs_text, chat.as_ref(), &variables, trace_id, &how);
    if caller.invoke_from != InvokeFrom::Debugger && caller.app.mode == AppMode::Workflow {
        with.log = Some(log_row(caller, &run, ids.at));
    }
    let root = how.root.as_deref().unwrap_or(&compiled.root);
    let pool = make_pool(&compiled, root, inputs, system, &variables);
    let name_after = chat.as_ref().and_then(|chat| chat.name_after.clone());
    let draft = DraftKeeper::of_run(services, &run);
    let sink = RunSink::new(
        services.runs.recorder.begin(Arc::clone(&hub)),
        caller.app.mode,
        RunBegin {
            run,
            inputs: inputs_text,
            with,
            message: chat.map(|chat| chat.message),
            variables,
            show_citations: compiled.features.retriever_resource,
            form_limit: services.settings.form_limit,
            draft,
        },
    );
    let info = run_info(caller, &ids, &compiled, hub.head.conversation_id);
    let guard = Guard::new(services, compiled.features.sensitive_word_avoidance.as_ref(), &info, &sink);
    let start = RunStart {
        info,
        pool,
        root: how.root,
        limits: engine_limits(&services.settings),
        sink: Guard::sink_of(guard.as_ref(), &sink),
        tracker: services.runs.tracker.clone(),
    };
    match ox_engine::start(engine, start) {
        Ok(handle) => {
            if let Some(guard) = guard {
                guard.attach(&handle);
            }
            watch(services, handle, sink, caller.user.id(), permit, name_after);
        }
        Err(error) => fail_early(&hub, &error.to_string()),
    }
    Ok(reader)
}

/// A stream that has nothing but its error: the graph cannot be run.
fn fail_early(hub: &Arc<Hub>, why: &str) {
    let body = StreamBody::Error { code: "invalid_param".into(), status: 400, message: why.to_owned() };
    hub.publish(Utc::now().timestamp(), body);
    hub.close();
}

/// Keeps the run findable until its end, and does what comes after it.
pub(super) fn watch(
    services: &Arc<Services>,
    handle: RunHandle,
    sink: Arc<RunSink>,
    user_id: Uuid,
    permit: Option<RunPermit>,
    name_after: Option<(ConversationId, String)>,
) {
    let hub = Arc::clone(sink.recording().hub());
    let head = &hub.head;
    let task_id = head.task_id;
    let app_id = sink.app_id();
    services.runs.add(LiveRun {
        task_id,
        app_id,
        run_id: head.run_id,
        user_id,
        is_chat: head.mode.is_chat(),
        hub: Arc::clone(&hub),
        started: std::time::Instant::now(),
        control: Control::Engine(handle.clone()),
        _permit: permit,
    });
    let services = Arc::clone(services);
    services.runs.tracker.clone().spawn(async move {
        let outcome = handle.wait().await;
        if outcome.status == RunStatus::Running {
            // Given up: it goes on in another process, and its readers may come back there.
            hub.close();
        } else if let Err(error) = see_to_its_end(&sink, outcome.error).await {
            tracing::error!(%error, %task_id, "the end of a run cannot be recorded; trying again until it can");
            let last = Arc::new(sink.last_words(&error));
            services.runs.tracker.spawn(record_late(Arc::clone(&services), last));
        }
        services.runs.remove(task_id);
        if outcome.status == RunStatus::Paused
            && let Some(run_id) = hub.head.run_id
        {
            crate::human_input::after_pause(&services, run_id).await;
        }
        if let Some((conversation, query)) = name_after {
            let tenant = sink.tenant_id();
            let named = crate::chat::titles::name_conversation(&services, tenant, app_id, conversation, &query).await;
            if let Err(error) = named {
                tracing::warn!(%error, "a conversation keeps its first name");
            }
        }
    });
}

/// The run's end must be on its way and durable.
async fn see_to_its_end(sink: &RunSink, error: Option<String>) -> Result<(), String> {
    if !sink.is_finished() {
        // The engine ended without telling so: its sink had failed.
        let why = error.unwrap_or_else(|| "the run ended without a result".to_owned());
        sink.abandon(&why).await.map_err(|error| error.to_string())?;
    }
    sink.recording().barrier().await.map_err(|error| error.to_string())
}

/// Writes the end of a run that could not be recorded, once it can be (the disk has room again).
pub(crate) async fn record_late(services: Arc<Services>, last: Arc<Delta>) {
    loop {
        tokio::select! {
            // Whoever comes next finds the run without an owner, and ends it.
            () = services.shutdown.cancelled() => return,
            () = tokio::time::sleep(RECORD_AGAIN) => {}
        }
        match services.runs.journal.commit(std::slice::from_ref(&last)).await {
            Ok(()) => return,
            Err(error) => tracing::debug!(%error, "still not recorded"),
        }
    }
}

/// The engine's limits from the settings.
pub(super) fn engine_limits(settings: &Settings) -> Limits {
    Limits {
        max_steps: settings.limits.max_steps,
        max_time: settings.limits.max_time,
        max_call_depth: settings.limits.max_call_depth,
        workers: settings.limits.max_workers,
        ..Limits::default()
    }
}

fn head_of(caller: &AppCaller, ids: &Ids, compiled: &CompiledWorkflow, chat: Option<&BegunChat>) -> StreamHead {
    StreamHead {
        mode: caller.app.mode,
        invoke_from: caller.invoke_from,
        task_id: ids.task_id,
        run_id: Some(ids.run_id),
        workflow_id: Some(compiled.id),
        conversation_id: chat.map(|chat| chat.message.conversation_id),
        message_id: chat.map(|chat| chat.message.id),
        created_at: ids.at.timestamp(),
        user: caller.user.clone(),
    }
}

fn run_info(
    caller: &AppCaller,
    ids: &Ids,
    compiled: &CompiledWorkflow,
    conversation_id: Option<ConversationId>,
) -> RunInfo {
    RunInfo {
        run_id: ids.run_id,
        task_id: ids.task_id,
        tenant_id: caller.tenant_id(),
        app_id: caller.app.app.id,
        workflow_id: compiled.id,
        conversation_id,
        user_id: caller.user.id().to_string(),
        user_kind: match caller.user {
            RunUser::EndUser { .. } => UserKind::EndUser,
            RunUser::Account { .. } => UserKind::Account,
        },
        invoke_from: caller.invoke_from.as_str().to_owned(),
        call_depth: 0,
    }
}

/// A chatflow's conversation and message, as they are at the start.
struct BegunChat {
    message: Message,
    asked: Option<String>,
    dialogue_count: i32,
    variables: Vec<LiveVariable>,
    name_after: Option<(ConversationId, String)>,
}

#[expect(clippy::too_many_arguments, reason = "one caller; a struct would only rename them")]
async fn begin_chat(
    services: &Services,
    caller: &AppCaller,
    ids: &Ids,
    compiled: &CompiledWorkflow,
    inputs: &Object,
    files: &[Value],
    part: ChatPart,
    with: &mut Delta,
) -> Result<BegunChat> {
    let stored = inputs_json(inputs);
    let is_new = part.conversation.is_none();
    let conversation = part.conversation.unwrap_or_else(|| {
        let introduction = naming::introduction(&compiled.features.opening_statement, inputs);
        new_conversation(caller, ids.at, &part.query, stored.clone(), introduction)
    });
    let variables = begin_variables(services, caller, compiled, &conversation, is_new, ids.at, with).await?;
    let mut message = new_message(caller, ids.at, &conversation, &part.query, &stored);
    message.parent_message_id = parent_of(caller, part.parent_message_id);
    message.workflow_run_id = Some(ids.run_id);
    with.message_files = message_files(caller, message.id, files, ids.at);
    with.touch = Some(Touch { conversation_id: conversation.id, at: ids.at, messages: 1 });
    let wants_name = is_new && part.auto_generate_name && caller.invoke_from != InvokeFrom::Debugger;
    let begun = BegunChat {
        dialogue_count: conversation.dialogue_count,
        name_after: wants_name.then_some((conversation.id, part.query)),
        asked: part.asked,
        message,
        variables,
    };
    if is_new {
        with.conversation = Some(conversation);
    }
    Ok(begun)
}

/// Stored variables; those that the workflow gained meanwhile are added, those it lost are not read.
async fn begin_variables(
    services: &Services,
    caller: &AppCaller,
    compiled: &CompiledWorkflow,
    conversation: &Conversation,
    is_new: bool,
    at: DateTime<Utc>,
    with: &mut Delta,
) -> Result<Vec<LiveVariable>> {
    if compiled.conversation_variables.is_empty() {
        return Ok(Vec::new());
    }
    let mut stored =
        if is_new { Vec::new() } else { ox_db::repo::conversations::variables(&services.db, conversation.id).await? };
    let mut live = Vec::with_capacity(compiled.conversation_variables.len());
    for variable in &compiled.conversation_variables {
        let id = variable_id(&variable.id);
        let row = match stored.iter().position(|row| row.id == id) {
            Some(position) => stored.swap_remove(position),
            None => {
                let row = ConversationVariable {
                    id,
                    conversation_id: conversation.id,
                    app_id: caller.app.app.id,
                    data: variable.to_json(ox_dsl::variables::Scope::Conversation, ox_dsl::variables::Secrets::Plain),
                    created_at: at,
                    updated_at: at,
                };
                with.variables.insert(id, row.clone());
                row
            }
        };
        live.push(LiveVariable { name: variable.name.clone(), value_type: variable.value_type, row });
    }
    Ok(live)
}

/// Ids of variables in files need not be UUIDs; the same text always gives the same id.
fn variable_id(text: &str) -> Uuid {
    text.parse().unwrap_or_else(|_| Uuid::new_v5(&Uuid::NAMESPACE_OID, text.as_bytes()))
}

/// The value of a live variable.
fn variable_value(variable: &LiveVariable) -> Value {
    let stored = variable.row.data.get("value").unwrap_or(&Json::Null);
    Value::typed(stored, variable.value_type).unwrap_or_else(|_| Value::from_json(stored))
}

pub(crate) fn new_conversation(
    caller: &AppCaller,
    at: DateTime<Utc>,
    query: &str,
    inputs: Json,
    introduction: String,
) -> Conversation {
    let (end_user, account) = from_whom(caller);
    Conversation {
        id: ConversationId::new(),
        app_id: caller.app.app.id,
        app_model_config_id: caller.app.app.app_model_config_id,
        model_provider: None,
        model_id: None,
        override_model_configs: None,
        mode: caller.app.mode.as_str().to_owned(),
        name: naming::initial_name(query),
        summary: None,
        inputs,
        introduction: Some(introduction),
        system_instruction: None,
        system_instruction_tokens: 0,
        status: "normal".to_owned(),
        invoke_from: Some(caller.invoke_from.as_str().to_owned()),
        from_source: caller.from_source().to_owned(),
        from_end_user_id: end_user,
        from_account_id: account,
        read_at: None,
        read_account_id: None,
        dialogue_count: 0,
        is_deleted: false,
        created_at: at,
        updated_at: at,
    }
}

pub(crate) fn new_message(
    caller: &AppCaller,
    at: DateTime<Utc>,
    conversation: &Conversation,
    query: &str,
    inputs: &Json,
) -> Message {
    let (end_user, account) = from_whom(caller);
    let zero = || "0".to_owned();
    Message {
        id: MessageId::new(),
        app_id: caller.app.app.id,
        conversation_id: conversation.id,
        parent_message_id: None,
        model_provider: None,
        model_id: None,
        override_model_configs: None,
        inputs: inputs.to_string(),
        query: query.to_owned(),
        message: None,
        answer: String::new(),
        message_tokens: 0,
        message_unit_price: zero(),
        message_price_unit: "0.001".to_owned(),
        answer_tokens: 0,
        answer_unit_price: zero(),
        answer_price_unit: "0.001".to_owned(),
        total_price: None,
        currency: "USD".to_owned(),
        provider_response_latency: 0.0,
        status: "normal".to_owned(),
        error: None,
        message_metadata: None,
        invoke_from: Some(caller.invoke_from.as_str().to_owned()),
        from_source: caller.from_source().to_owned(),
        from_end_user_id: end_user,
        from_account_id: account,
        agent_based: false,
        workflow_run_id: None,
        app_mode: Some(caller.app.mode.as_str().to_owned()),
        owner: None,
        created_at: at,
        updated_at: at,
    }
}

/// The message that a new one continues. The Service API knows no branches and says so; elsewhere a message without
/// a parent begins its conversation, or is another version of its beginning.
pub(crate) fn parent_of(caller: &AppCaller, asked: Option<MessageId>) -> Option<MessageId> {
    match caller.invoke_from {
        InvokeFrom::ServiceApi => Some(asked.unwrap_or(chat::thread::ANY)),
        _ => asked,
    }
}

fn from_whom(caller: &AppCaller) -> (Option<EndUserId>, Option<AccountId>) {
    match &caller.user {
        RunUser::EndUser { id, .. } => (Some(EndUserId(*id)), None),
        RunUser::Account { id, .. } => (None, Some(AccountId(*id))),
    }
}

/// The user's files as rows of their message.
pub(crate) fn message_files(
    caller: &AppCaller,
    message: MessageId,
    files: &[Value],
    at: DateTime<Utc>,
) -> Vec<MessageFile> {
    files
        .iter()
        .filter_map(|value| match value {
            Value::File(file) => Some(MessageFile {
                id: ox_types::new_uuid(),
                message_id: message,
                kind: file.kind.as_str().to_owned(),
                transfer_method: file.transfer_method.as_str().to_owned(),
                belongs_to: Some("user".to_owned()),
                url: file.remote_url.clone(),
                upload_file_id: file.related_id.as_deref().and_then(|id| id.parse().ok()).map(FileId),
                created_by_role: caller.user.role().to_owned(),
                created_by: caller.user.id(),
                created_at: at,
            }),
            _ => None,
        })
        .collect()
}

/// The `sys` variables in the order in which they are shown.
fn system_variables(
    caller: &AppCaller,
    compiled: &CompiledWorkflow,
    ids: &Ids,
    files: Vec<Value>,
    chat: Option<&BegunChat>,
) -> Object {
    let mut system = Object::new();
    let mut put = |name: &str, value: Value| {
        system.insert(name.to_owned(), value);
    };
    put("files", Value::array_of(ValueType::ArrayFile, files));
    put("user_id", Value::from(caller.user.sys_user_id()));
    put("app_id", Value::from(caller.app.app.id.to_string()));
    put("workflow_id", Value::from(compiled.id.to_string()));
    put("workflow_run_id", Value::from(ids.run_id.to_string()));
    if let Some(chat) = chat {
        put("query", Value::from(chat.asked.as_deref().unwrap_or(&chat.message.query)));
        put("conversation_id", Value::from(chat.message.conversation_id.to_string()));
        put("dialogue_count", Value::Int(i64::from(chat.dialogue_count)));
    }
    system
}

/// `workflow_started.inputs`: the user's inputs and the system variables but the conversation's id.
fn shown_inputs(inputs: &Object, system: &Object) -> Arc<str> {
    let mut map = Map::with_capacity(inputs.len() + system.len());
    map.extend(inputs.iter().map(|(name, value)| (name.clone(), value.to_json())));
    let shown = system.iter().filter(|(name, _)| *name != "conversation_id");
    map.extend(shown.map(|(name, value)| (format!("sys.{name}"), value.to_json())));
    Json::Object(map).to_string().into()
}

fn make_pool(
    compiled: &CompiledWorkflow,
    root: &str,
    inputs: Object,
    system: Object,
    variables: &[LiveVariable],
) -> Pool {
    let mut pool = Pool::new();
    pool.set_all(root, inputs);
    pool.set_all("sys", system);
    pool.set_all("env", compiled.environment.iter().cloned());
    pool.set_all("conversation", variables.iter().map(|variable| (variable.name.clone(), variable_value(variable))));
    pool
}

#[expect(clippy::too_many_arguments, reason = "one caller; a struct would only rename them")]
fn run_row(
    services: &Services,
    caller: &AppCaller,
    ids: &Ids,
    compiled: &CompiledWorkflow,
    inputs: &str,
    chat: Option<&BegunChat>,
    variables: &[LiveVariable],
    trace_id: Option<String>,
    how: &How,
) -> WorkflowRun {
    let is_debug = caller.invoke_from == InvokeFrom::Debugger;
    let resume = ResumeData {
        task_id: ids.task_id,
        invoke_from: caller.invoke_from.as_str().to_owned(),
        session_id: caller.user.sys_user_id(),
        conversation_id: chat.map(|chat| chat.message.conversation_id),
        message_id: chat.map(|chat| chat.message.id),
        root: how.root.clone(),
        resumed: 0,
        conversation: variables
            .iter()
            .map(|variable| (variable.name.clone(), variable_value(variable).to_json()))
            .collect(),
    };
    WorkflowRun {
        id: ids.run_id,
        tenant_id: caller.tenant_id(),
        app_id: caller.app.app.id,
        workflow_id: compiled.id,
        kind: compiled.kind.clone(),
        triggered_from: if is_debug { "debugging" } else { how.triggered_from.unwrap_or("app-run") }.to_owned(),
        version: compiled.version.clone(),
        graph: compiled.graph_text.clone(),
        inputs: Some(inputs.to_owned()),
        status: RunStatus::Running,
        outputs: None,
        error: None,
        elapsed_time: 0.0,
        total_tokens: 0,
        total_steps: 0,
        total_price: None,
        currency: None,
        exceptions_count: 0,
        created_by_role: caller.user.role().to_owned(),
        created_by: caller.user.id(),
        owner: Some(services.runs.process_id),
        resume: serde_json::to_string(&resume).ok(),
        labels: trace_id.map(|id| json!({"trace_id": id}).to_string()),
        created_at: ids.at,
        finished_at: None,
    }
}

fn log_row(caller: &AppCaller, run: &WorkflowRun, at: DateTime<Utc>) -> WorkflowAppLog {
    WorkflowAppLog {
        id: ox_types::new_uuid(),
        tenant_id: run.tenant_id,
        app_id: run.app_id,
        workflow_id: run.workflow_id,
        workflow_run_id: run.id,
        created_from: match caller.invoke_from {
            InvokeFrom::Explore => "installed-app",
            other => other.as_str(),
        }
        .to_owned(),
        created_by_role: run.created_by_role.clone(),
        created_by: run.created_by,
        created_at: at,
    }
}

/// What another process needs, beside the record, to go on with a run.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(super) struct ResumeData {
    pub task_id: TaskId,
    pub invoke_from: String,
    pub session_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation_id: Option<ConversationId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_id: Option<MessageId>,
    /// The node it began with, where that was chosen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root: Option<String>,
    /// How often it has gone on.
    #[serde(default)]
    pub resumed: u32,
    /// Conversation variables as they were at the start.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub conversation: Map<String, Json>,
}

impl ResumeData {
    /// For a run that has ended, whose own data were not kept: it began at its workflow's beginning.
    pub fn of_finished(run: &WorkflowRun) -> Self {
        Self {
            task_id: TaskId(run.id.0),
            invoke_from: String::new(),
            session_id: String::new(),
            conversation_id: None,
            message_id: None,
            root: None,
            resumed: 0,
            conversation: Map::new(),
        }
    }
}

/// A run that goes on: the parts of its start, read back.
pub(super) fn resume_pool(compiled: &CompiledWorkflow, inputs: &Json, data: &ResumeData) -> Pool {
    let (mut user, mut system) = (Object::new(), Object::new());
    for (name, value) in inputs.as_object().into_iter().flatten() {
        match name.strip_prefix("sys.") {
            Some(name) => system.insert(name.to_owned(), Value::from_json(value)),
            None => user.insert(name.clone(), Value::from_json(value)),
        };
    }
    if let Some(id) = data.conversation_id {
        system.insert("conversation_id".to_owned(), Value::from(id.to_string()));
    }
    let mut pool = Pool::new();
    pool.set_all(data.root.as_deref().unwrap_or(&compiled.root), user);
    pool.set_all("sys", system);
    pool.set_all("env", compiled.environment.iter().cloned());
    let declared = |name: &str| compiled.conversation_variables.iter().find(|variable| variable.name == name);
    pool.set_all(
        "conversation",
        data.conversation.iter().map(|(name, json)| {
            let typed = declared(name).and_then(|variable| Value::typed(json, variable.value_type).ok());
            (name.clone(), typed.unwrap_or_else(|| Value::from_json(json)))
        }),
    );
    pool
}

/// Goes on with a recovered run.
#[expect(clippy::too_many_arguments, reason = "one caller; a struct would only rename them")]
pub(super) fn resume(
    services: &Arc<Services>,
    compiled: &CompiledWorkflow,
    info: RunInfo,
    pool: Pool,
    root: Option<String>,
    sink: Arc<RunSink>,
    recovery: Recovery,
    user_id: Uuid,
) -> Result<(), String> {
    let engine = compiled.engine.clone()?;
    let guard = Guard::new(services, compiled.features.sensitive_word_avoidance.as_ref(), &info, &sink);
    let start = RunStart {
        info,
        pool,
        root,
        limits: engine_limits(&services.settings),
        sink: Guard::sink_of(guard.as_ref(), &sink),
        tracker: services.runs.tracker.clone(),
    };
    let handle = ox_engine::resume(engine, start, recovery).map_err(|error| error.to_string())?;
    if let Some(guard) = guard {
        guard.attach(&handle);
    }
    watch(services, handle, sink, user_id, None, None);
    Ok(())
}
