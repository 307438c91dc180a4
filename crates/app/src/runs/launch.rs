//! Launching a checked graph run: rows, pool, sink, engine, and the task that sees it to its end.

mod chat;
mod resumed;
mod rows;

use std::sync::Arc;

use chrono::Utc;
use ox_db::model::{Conversation, WorkflowRun};
use ox_engine::{Limits, RunHandle, RunInfo, RunStart, UserKind};
use ox_types::{ConversationId, MessageId, Object, RunId, RunStatus, Value};
use serde_json::json;
use uuid::Uuid;

pub(crate) use self::chat::{message_files, new_conversation, new_message, parent_of};
pub(super) use self::resumed::{ResumeData, Resumption, resume, resume_pool};
use self::{
    chat::{BegunChat, begin_chat},
    rows::{log_row, make_pool, resume_of, shown_inputs, system_variables, triggered_from},
};
use super::{
    compiled::CompiledWorkflow,
    delta::Delta,
    derived::{self, Begun},
    draft::DraftKeeper,
    event::{AppMode, InvokeFrom, RunUser, StreamBody, StreamHead},
    hub::{Hub, Subscription},
    limits::RunPermit,
    pipeline,
    runtime::{Above, Control, LiveRun},
    sink::{LiveVariable, RunBegin, RunSink},
};
use crate::{AppCaller, Result, Services, Settings, chat::prompt::Round, moderation::Guard};

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
    /// How many apps have called one another as tools to come here.
    pub call_depth: u32,
    /// Their runs, outermost first.
    pub callers: Vec<Above>,
    /// What a pipeline begins with.
    pub pipeline: Option<PipelineGiven>,
}

/// What a run of a knowledge pipeline begins with, beside what every run has.
#[derive(Clone, Debug, Default)]
pub(crate) struct PipelineGiven {
    /// `sys` variables.
    pub system: Object,
    /// `rag` variables: what was asked of the user, shared and by datasource.
    pub asked: Object,
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
    /// What was said before a new conversation began here.
    pub history: Vec<Round>,
}

/// Starts a run.
///
/// # Errors
/// When the conversation's variables cannot be read.
pub(super) async fn launch(services: &Arc<Services>, caller: &AppCaller, launch: Launch) -> Result<Subscription> {
    let Launch { compiled, inputs, files, chat, permit, trace_id, how } = launch;
    let fresh = Begun::now();
    let begun = Begun { run_id: how.run_id.unwrap_or(fresh.run_id), ..fresh };
    let mut with = Delta::default();
    let chat = match chat {
        Some(part) => Some(begin_chat(services, caller, begun, &compiled, &inputs, &files, part, &mut with).await?),
        None => None,
    };
    let mut system = system_variables(caller, &compiled, begun, files, chat.as_ref());
    let asked = how.pipeline.as_ref().map(|given| given.asked.clone());
    if let Some(given) = &how.pipeline {
        system.extend(given.system.clone());
    }
    let variables: Vec<LiveVariable> = chat.as_ref().map(|chat| chat.variables.clone()).unwrap_or_default();
    let inputs_text = shown_inputs(&inputs, &system);
    let head = head_of(caller, begun, &compiled, chat.as_ref());
    let hub = Hub::new(head);
    let reader = hub.subscribe();
    let engine = match &compiled.engine {
        Ok(engine) => Arc::clone(engine),
        Err(why) => {
            fail_early(&hub, why);
            return Ok(reader);
        }
    };
    let run = WorkflowRun {
        // A document of a pipeline is begun anew by whoever takes it over, with a run of its own.
        resume: if how.pipeline.is_some() {
            None
        } else {
            resume_of(caller, begun, chat.as_ref(), &variables, how.root.clone())
        },
        labels: trace_id.map(|id| json!({"trace_id": id}).to_string()),
        ..derived::row(services, caller, &compiled, begun, triggered_from(caller, &how), inputs_text.to_string())
    };
    let is_logged = caller.invoke_from != InvokeFrom::Debugger && how.pipeline.is_none();
    if is_logged && caller.app.mode == AppMode::Workflow {
        with.log = Some(log_row(caller, &run, begun.at));
    }
    let root = how.root.as_deref().unwrap_or(&compiled.root);
    let mut pool = make_pool(&compiled, root, inputs, system, &variables);
    if let Some(asked) = asked {
        pool.set_all(pipeline::ASKED, asked);
    }
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
            clock: services.db.clone(),
            draft,
        },
    );
    let call_depth = how.call_depth;
    let info = RunInfo { call_depth, ..run_info(caller, begun, &compiled, hub.head.conversation_id) };
    let guard = Guard::new(services, compiled.features.sensitive_word_avoidance.as_ref(), &info, &sink);
    let start = RunStart {
        info,
        pool,
        root: how.root,
        limits: engine_limits(&services.settings),
        sink: Guard::sink_of(guard.as_ref(), &sink),
        tracker: services.runs.tracker.clone(),
    };
    services.runs.called_by(hub.head.task_id, how.callers);
    match ox_engine::start(engine, start) {
        Ok(handle) => {
            if let Some(guard) = guard {
                guard.attach(&handle);
            }
            watch(services, handle, sink, caller.user.id(), permit, name_after);
        }
        Err(error) => {
            services.runs.remove(hub.head.task_id);
            fail_early(&hub, &error.to_string());
        }
    }
    Ok(reader)
}

/// A stream that has nothing but its error: the graph cannot be run.
fn fail_early(hub: &Arc<Hub>, why: &str) {
    let body = StreamBody::Error { code: "invalid_param".into(), status: 400, message: why.into() };
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
    let live = services.runs.add(LiveRun {
        task_id,
        app_id,
        run_id: head.run_id,
        user_id,
        is_chat: head.mode.is_chat(),
        hub: Arc::clone(&hub),
        started: std::time::Instant::now(),
        control: Control::Engine(handle.clone()),
        is_stopping: std::sync::atomic::AtomicBool::new(false),
        left: std::sync::atomic::AtomicBool::new(false),
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
        } else if outcome.status != RunStatus::Paused
            && let Some(run_id) = hub.head.run_id
        {
            services.traces.ended(crate::traces::Ended::Run { tenant: sink.tenant_id(), app: app_id, run: run_id });
        }
        services.runs.remove(task_id);
        if outcome.status == RunStatus::Paused
            && let Some(run_id) = hub.head.run_id
        {
            super::signals::after_pause(&services, &live).await;
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

fn head_of(caller: &AppCaller, begun: Begun, compiled: &CompiledWorkflow, chat: Option<&BegunChat>) -> StreamHead {
    StreamHead {
        mode: caller.app.mode,
        invoke_from: caller.invoke_from,
        task_id: begun.task_id,
        run_id: Some(begun.run_id),
        workflow_id: Some(compiled.id),
        conversation_id: chat.map(|chat| chat.message.conversation_id),
        message_id: chat.map(|chat| chat.message.id),
        created_at: begun.at.timestamp(),
        user: caller.user.clone(),
    }
}

fn run_info(
    caller: &AppCaller,
    begun: Begun,
    compiled: &CompiledWorkflow,
    conversation_id: Option<ConversationId>,
) -> RunInfo {
    RunInfo {
        run_id: begun.run_id,
        task_id: begun.task_id,
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
