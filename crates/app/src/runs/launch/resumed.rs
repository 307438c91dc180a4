//! What a run needs to go on elsewhere, and going on with it.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use ox_db::model::WorkflowRun;
use ox_engine::{Pool, Recovery, RunInfo, RunStart};
use ox_types::{ConversationId, Json, MessageId, Object, TaskId, Value, ValueType};
use serde_json::Map;
use uuid::Uuid;

use super::{engine_limits, rows::TIMESTAMP, watch};
use crate::{
    Services,
    moderation::Guard,
    runs::{compiled::CompiledWorkflow, sink::RunSink},
};

/// What another process needs, beside the record, to go on with a run.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(in crate::runs) struct ResumeData {
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

/// A run that goes on: the parts of its start, read back. `began` is when it first began.
pub(in crate::runs) fn resume_pool(
    compiled: &CompiledWorkflow,
    inputs: &Json,
    data: &ResumeData,
    began: DateTime<Utc>,
) -> Pool {
    let (mut user, mut system) = (Object::new(), Object::new());
    // An empty list of files does not tell what it is.
    let read = |json: &Json, is_files: bool| {
        let files = is_files.then(|| Value::typed(json, ValueType::ArrayFile).ok()).flatten();
        files.unwrap_or_else(|| Value::from_json(json))
    };
    for (name, value) in inputs.as_object().into_iter().flatten() {
        match name.strip_prefix("sys.") {
            Some(name) => system.insert(name.to_owned(), read(value, name == "files")),
            None => user.insert(name.clone(), read(value, compiled.form.asks_for_files(name))),
        };
    }
    if let Some(id) = data.conversation_id {
        system.insert("conversation_id".to_owned(), Value::from(id.to_string()));
    } else {
        system.insert(TIMESTAMP.to_owned(), Value::Int(began.timestamp()));
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

/// From where a recovered run goes on.
pub(in crate::runs) struct Resumption {
    pub info: RunInfo,
    pub pool: Pool,
    pub root: Option<String>,
    pub recovery: Recovery,
    /// It was stopped meanwhile, for this reason: it only ends.
    pub stop: Option<&'static str>,
}

/// Goes on with a recovered run.
pub(in crate::runs) fn resume(
    services: &Arc<Services>,
    compiled: &CompiledWorkflow,
    sink: Arc<RunSink>,
    resumption: Resumption,
    user_id: Uuid,
) -> Result<(), String> {
    let Resumption { info, pool, root, recovery, stop } = resumption;
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
    let handle = match stop {
        None => ox_engine::resume(engine, start, recovery),
        Some(reason) => ox_engine::stop_recorded(engine, start, recovery, reason),
    };
    let handle = handle.map_err(|error| error.to_string())?;
    if let Some(guard) = guard {
        guard.attach(&handle);
    }
    watch(services, handle, sink, user_id, None, None);
    Ok(())
}
