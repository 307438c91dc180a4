//! Apps that run as tools of other runs: who asks, how deep it goes, and what they say.
//!
//! A called run has the user of its caller and ends with it. Apps that are called by name (`app`) never come into a
//! circle; workflows that were made tools may call themselves, as deep as `WORKFLOW_CALL_MAX_DEPTH` allows.

use std::sync::{Arc, Weak};

use ox_db::repo;
use ox_engine::{RunInfo, UserKind};
use ox_models::Usage;
use ox_nodes::{CallError, CallMessage};
use ox_types::{AccountId, AppId, Json, RunStatus, TaskId, Value};
use serde_json::Map;
use uuid::Uuid;

use super::{
    apps::Offer,
    hub::{CLASS, Failure},
};
use crate::{
    AppCaller, Error, Result, Services,
    runs::{
        self, Above, ConversationHistory, InvokeFrom, PublishedApp, RunRequest, RunUser, StreamHead, outcome::Outcome,
    },
};

/// What an app is asked besides its inputs.
pub(super) const QUERY: &str = "query";
/// The files that go with it.
pub(super) const FILES: &str = "files";

/// Runs a workflow that was made a tool.
pub(super) async fn workflow(
    services: &Arc<Services>,
    run: &RunInfo,
    app: Arc<PublishedApp>,
    name: &str,
    inputs: Map<String, Json>,
) -> Result<Vec<CallMessage>, Failure> {
    if app.mode != runs::AppMode::Workflow {
        return Err(failed(format!("The workflow tool '{name}' is no workflow any more.")));
    }
    let id = app.app.id;
    let request = RunRequest { inputs, callers: callers(services, run), ..request(run) };
    let (head, outcome) = outcome(services, run, app, request).await?;
    match outcome {
        Outcome::Workflow(done) => {
            let mut said = of_workflow(&done, name)?;
            let outputs: Json = serde_json::from_str(&done.outputs).unwrap_or_default();
            said.insert(1, CallMessage::Json(outputs));
            said.extend(spent(services, run, id, &head).await?);
            Ok(said)
        }
        Outcome::Paused(_) => Err(waits(&format!("workflow tool '{name}'"))),
        Outcome::Message { .. } => Err(failed(format!("The workflow tool '{name}' is no workflow any more."))),
    }
}

/// Runs an app that is offered as a tool.
pub(super) async fn app(
    services: &Arc<Services>,
    run: &RunInfo,
    offer: Offer,
    mut given: Map<String, Json>,
) -> Result<Vec<CallMessage>, Failure> {
    let Offer { app, fields, .. } = offer;
    let (id, name, mode) = (app.app.id, app.app.name.clone(), app.mode);
    let callers = callers(services, run);
    if callers.iter().any(|above| above.app_id == id) {
        let way = way(services, callers.iter().map(|above| above.app_id).chain([id])).await?;
        let text =
            format!("The app '{name}' is at work on this already: apps do not call one another in a circle ({way}).");
        return Err(Failure::new(CallError::missing(CLASS, text)));
    }
    let (mut query, mut files) = (None, Vec::new());
    if mode.is_chat() {
        query = given.shift_remove(QUERY).map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned));
        files = match given.shift_remove(FILES) {
            Some(Json::Array(items)) => items,
            Some(file) if file.is_object() => vec![file],
            _ => Vec::new(),
        };
    }
    given.retain(|name, _| fields.iter().any(|field| field.variable == *name));
    let request = RunRequest { inputs: given, query, files, callers, ..request(run) };
    let (head, outcome) = outcome(services, run, app, request).await?;
    let mut said = match outcome {
        Outcome::Workflow(done) => {
            let mut said = of_workflow(&done, &name)?;
            said.extend(spent(services, run, id, &head).await?);
            said
        }
        Outcome::Message { answer, metadata, files } => {
            let mut said = vec![CallMessage::Text(answer.to_string())];
            said.extend(files_of(&files));
            if let (false, Some(message)) = (mode.is_graph(), head.message_id) {
                let kept = ConversationHistory::new(services.db.clone(), services.files.clone());
                let made = kept.answer_files(run.tenant_id, message).await?;
                said.extend(made.into_iter().map(|file| CallMessage::File(Box::new(file))));
            }
            if !metadata.retriever_resources.is_empty() {
                said.push(CallMessage::Resources(metadata.retriever_resources.clone()));
            }
            said.push(CallMessage::Usage(Box::new(metadata.usage.clone())));
            said
        }
        Outcome::Paused(_) => return Err(waits(&format!("app '{name}'"))),
    };
    // A text comes first where there is any: models read it.
    if !matches!(said.first(), Some(CallMessage::Text(_))) {
        said.insert(0, CallMessage::Text(String::new()));
    }
    Ok(said)
}

fn failed(text: String) -> Failure {
    Failure::new(CallError::new(CLASS, text))
}

fn waits(what: &str) -> Failure {
    failed(format!("The {what} waits for somebody; a tool cannot."))
}

fn request(run: &RunInfo) -> RunRequest {
    RunRequest { call_depth: run.call_depth + 1, blocking: true, ..RunRequest::default() }
}

/// The runs above one that is called by this one, outermost first.
fn callers(services: &Services, run: &RunInfo) -> Vec<Above> {
    let above = services.runs.callers_of(run.task_id);
    above.iter().copied().chain([Above { app_id: run.app_id, task_id: run.task_id }]).collect()
}

/// Names of apps, in their order.
async fn way(services: &Services, ids: impl Iterator<Item = AppId> + Send) -> Result<String> {
    let mut names = Vec::new();
    for id in ids {
        let app = services.runs.published.app(id).await?;
        names.push(app.map_or_else(|| id.to_string(), |app| app.app.name.clone()));
    }
    Ok(names.join(" → "))
}

/// Starts a run and waits for its end; it ends with its caller.
async fn outcome(
    services: &Arc<Services>,
    run: &RunInfo,
    app: Arc<PublishedApp>,
    request: RunRequest,
) -> Result<(StreamHead, Outcome), Failure> {
    let id = app.app.id;
    let invoke_from = match InvokeFrom::parse(&run.invoke_from) {
        // Trying one app out leaves the drafts of others alone.
        InvokeFrom::Debugger => InvokeFrom::Explore,
        other => other,
    };
    let caller = AppCaller { app, user: user_of(services, run).await?, invoke_from };
    let mut reader = runs::start::start_tool(services, &caller, request).await?;
    let head = reader.head().clone();
    let guard = StopOnDrop::new(services, id, head.task_id);
    // What goes wrong inside may go well the next time.
    let outcome = runs::outcome::wait(&mut reader).await.map_err(|error| failed(error.message))?;
    guard.done();
    if matches!(outcome, Outcome::Paused(_)) {
        // Nobody would come back for its answer.
        runs::signals::stop(services, id, head.task_id, None).await;
    }
    Ok((head, outcome))
}

/// What a workflow says: its outputs as text, as variables and as files.
fn of_workflow(done: &runs::RunDone, name: &str) -> Result<Vec<CallMessage>, Failure> {
    if !matches!(done.status, RunStatus::Succeeded | RunStatus::PartialSucceeded) {
        let text =
            done.error.clone().unwrap_or_else(|| format!("The workflow tool '{name}' ended as {}.", done.status));
        return Err(failed(text));
    }
    let outputs: Json = serde_json::from_str(&done.outputs).unwrap_or_default();
    let mut said = vec![CallMessage::Text(outputs.to_string())];
    said.extend(files_of(&done.files));
    let taken = |name: &str| ["text", "files", "json"].contains(&name);
    for (name, value) in outputs.as_object().into_iter().flatten().filter(|(name, _)| !taken(name)) {
        said.push(CallMessage::Variable { name: name.clone(), value: value.clone(), stream: false });
    }
    Ok(said)
}

fn files_of(text: &str) -> Vec<CallMessage> {
    let files: Vec<Json> = serde_json::from_str(text).unwrap_or_default();
    let read = files.iter().filter_map(|file| match Value::from_json(file) {
        Value::File(file) => Some(CallMessage::File(Box::new((*file).clone()))),
        _ => None,
    });
    read.collect()
}

/// What the models of a finished run have cost: it counts with the run that called it.
async fn spent(services: &Services, run: &RunInfo, app: AppId, head: &StreamHead) -> Result<Option<CallMessage>> {
    let Some(id) = head.run_id else { return Ok(None) };
    let row = repo::runs::find(&services.db, run.tenant_id, app, id).await?;
    let Some(row) = row.filter(|row| row.total_tokens > 0) else { return Ok(None) };
    let price = row.total_price.as_deref().and_then(|price| price.parse().ok()).unwrap_or_default();
    let usage = Usage {
        total_tokens: u64::try_from(row.total_tokens).unwrap_or(0),
        total_price: price,
        currency: row.currency.unwrap_or_else(|| Usage::default().currency),
        ..Usage::default()
    };
    Ok(Some(CallMessage::Usage(Box::new(usage))))
}

/// The user of a run, as a caller of another app.
async fn user_of(services: &Services, run: &RunInfo) -> Result<RunUser> {
    let id: Uuid = run.user_id.parse().map_err(|_| Error::invalid("The run has no user."))?;
    if run.user_kind == UserKind::EndUser {
        let found = repo::end_users::find_all(&services.db, run.tenant_id, &[ox_types::EndUserId(id)]).await?;
        let session = found.first().map(|user| user.session_id.as_str()).unwrap_or_default().into();
        return Ok(RunUser::EndUser { id, session_id: session });
    }
    let account = repo::accounts::find(&services.db, AccountId(id)).await?;
    let (name, email) = account.map(|account| (account.name, account.email)).unwrap_or_default();
    Ok(RunUser::Account { id, name: name.into(), email: email.into() })
}

/// Stops a run whose caller has gone.
struct StopOnDrop {
    services: Weak<Services>,
    app: AppId,
    task: Option<TaskId>,
}

impl StopOnDrop {
    fn new(services: &Arc<Services>, app: AppId, task: TaskId) -> Self {
        Self { services: Arc::downgrade(services), app, task: Some(task) }
    }

    fn done(mut self) {
        self.task = None;
    }
}

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        if let (Some(task), Some(services)) = (self.task, self.services.upgrade()) {
            services.runs.stop(self.app, task, None);
        }
    }
}
