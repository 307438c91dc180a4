//! The log row, the variables and the notes for others that a run begins with.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use ox_db::model::{WorkflowAppLog, WorkflowRun};
use ox_engine::Pool;
use ox_types::{Json, Object, Value, ValueType};
use serde_json::Map;

use super::{
    How, ResumeData,
    chat::{BegunChat, variable_value},
};
use crate::{
    AppCaller,
    runs::{compiled::CompiledWorkflow, derived::Begun, event::InvokeFrom, sink::LiveVariable},
};

/// The `sys` variables in the order in which they are shown.
pub(super) fn system_variables(
    caller: &AppCaller,
    compiled: &CompiledWorkflow,
    begun: Begun,
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
    put("workflow_run_id", Value::from(begun.run_id.to_string()));
    if let Some(chat) = chat {
        put("query", Value::from(chat.asked.as_deref().unwrap_or(&chat.message.query)));
        put("conversation_id", Value::from(chat.message.conversation_id.to_string()));
        put("dialogue_count", Value::Int(i64::from(chat.dialogue_count)));
    } else {
        put(TIMESTAMP, Value::Int(begun.at.timestamp()));
    }
    system
}

/// When the run of a workflow began, in Unix seconds.
pub(super) const TIMESTAMP: &str = "timestamp";

/// `workflow_started.inputs`: the user's inputs and the system variables but the conversation's id and the time.
pub(super) fn shown_inputs(inputs: &Object, system: &Object) -> Arc<str> {
    let mut map = Map::with_capacity(inputs.len() + system.len());
    map.extend(inputs.iter().map(|(name, value)| (name.clone(), value.to_json())));
    let shown = system.iter().filter(|(name, _)| *name != "conversation_id" && *name != TIMESTAMP);
    map.extend(shown.map(|(name, value)| (format!("sys.{name}"), value.to_json())));
    Json::Object(map).to_string().into()
}

pub(super) fn make_pool(
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

/// Where a run came from, as its row says it.
pub(super) fn triggered_from(caller: &AppCaller, how: &How) -> &'static str {
    if caller.invoke_from == InvokeFrom::Debugger { "debugging" } else { how.triggered_from.unwrap_or("app-run") }
}

/// What another process needs to go on with the run.
pub(super) fn resume_of(
    caller: &AppCaller,
    begun: Begun,
    chat: Option<&BegunChat>,
    variables: &[LiveVariable],
    root: Option<String>,
) -> Option<String> {
    let resume = ResumeData {
        task_id: begun.task_id,
        invoke_from: caller.invoke_from.as_str().to_owned(),
        session_id: caller.user.sys_user_id(),
        conversation_id: chat.map(|chat| chat.message.conversation_id),
        message_id: chat.map(|chat| chat.message.id),
        root,
        resumed: 0,
        conversation: variables
            .iter()
            .map(|variable| (variable.name.clone(), variable_value(variable).to_json()))
            .collect(),
    };
    serde_json::to_string(&resume).ok()
}

pub(super) fn log_row(caller: &AppCaller, run: &WorkflowRun, at: DateTime<Utc>) -> WorkflowAppLog {
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
