//! Requests with a name of the caller's own (`Idempotency-Key`): the same name leads to the same run.
//!
//! The name is kept, with the id its run will have, before the run begins. A repetition gets the stream of that run
//! while it is under way, and its recorded end afterwards. A request that was refused lets go of its name.

use std::sync::Arc;

use ox_db::{
    model::{IdempotencyKey, Message, WorkflowRun},
    now, repo,
};
use ox_types::{AppId, MessageId, RunId, TenantId, boxed};
use uuid::Uuid;

use super::{
    event::{AppMode, StreamBody, StreamHead},
    follow::{self, Wanted, Whose},
    hub::{Hub, Subscription},
    recovery,
    start::{RunRequest, start},
};
use crate::{AppCaller, Error, Principal, Result, Services};

/// Longest name.
const MAX_KEY: usize = 255;
/// How long a request that has not come to its run may keep others from serving its name.
const PATIENCE: chrono::Duration = chrono::Duration::seconds(30);
/// How long names are known.
pub(crate) const KEPT_DAYS: i64 = 2;

/// Who names a request: the same name of somebody else, or for another app, is another name.
#[derive(Clone, Copy, Debug)]
pub struct Namer {
    tenant: TenantId,
    scope: AppId,
    user: Uuid,
}

impl From<&AppCaller> for Namer {
    fn from(caller: &AppCaller) -> Self {
        Self { tenant: caller.tenant_id(), scope: caller.app.app.id, user: caller.user.id() }
    }
}

impl Namer {
    /// Whoever changes the knowledge of a workspace; no app has the workspace's id.
    ///
    /// # Errors
    /// 403 for a caller that is no member.
    pub fn of_knowledge(caller: &Principal) -> Result<Self> {
        let tenant = caller.tenant_id();
        Ok(Self { tenant, scope: AppId(tenant.0), user: caller.account_id()?.0 })
    }
}

/// Starts a run, or returns to the one that this name has led to.
///
/// # Errors
/// As [`start`], and 409 when the name stands for another request, or its first request has not come to its run yet.
#[boxed]
pub async fn start_once(
    services: &Arc<Services>,
    caller: &AppCaller,
    request: RunRequest,
    key: Option<&str>,
    request_hash: &str,
) -> Result<Subscription> {
    let Some(key) = key else { return start(services, caller, request).await };
    match claim(services, caller.into(), key, request_hash, request.run_id).await? {
        Claim::New(row) => begin(services, caller, request, &row).await,
        Claim::Known(known) => again(services, caller, request, known).await,
    }
}

/// Answers a request that is no run, or gives the answer that this name was given before.
///
/// # Errors
/// Those of the work, and 409 as [`start_once`]. A request that failed lets go of its name.
pub async fn answer_once(
    services: &Services,
    namer: Namer,
    key: &str,
    request_hash: &str,
    work: impl Future<Output = Result<String>> + Send,
) -> Result<String> {
    let row = match claim(services, namer, key, request_hash, None).await? {
        Claim::New(row) => row,
        Claim::Known(IdempotencyKey { answer: Some(answer), .. }) => return Ok(answer),
        Claim::Known(known) => {
            let at = now();
            if at - known.claimed_at < PATIENCE {
                return Err(in_progress());
            }
            let tx = services.db.begin().await?;
            let is_ours = repo::idempotency::reclaim(&tx, &known, at).await?;
            tx.commit().await?;
            if !is_ours {
                return Err(in_progress());
            }
            known
        }
    };
    let answered = work.await;
    let tx = services.db.begin().await?;
    match &answered {
        Ok(answer) => repo::idempotency::set_answer(&tx, row.id, answer).await?,
        Err(_) => repo::idempotency::release(&tx, row.id).await?,
    }
    tx.commit().await?;
    answered
}

/// Who serves a name.
enum Claim {
    /// This request does.
    New(IdempotencyKey),
    /// An earlier one has, or does.
    Known(IdempotencyKey),
}

async fn claim(
    services: &Services,
    namer: Namer,
    key: &str,
    request_hash: &str,
    run_id: Option<RunId>,
) -> Result<Claim> {
    if key.is_empty() || key.len() > MAX_KEY || !key.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        return Err(Error::bad_request(format!(
            "Idempotency-Key must have 1 to {MAX_KEY} printable ASCII characters."
        )));
    }
    let at = now();
    let row = IdempotencyKey {
        id: ox_types::new_uuid(),
        tenant_id: namer.tenant,
        app_id: namer.scope,
        user_id: namer.user,
        key: key.to_owned(),
        request_hash: request_hash.to_owned(),
        run_id: run_id.unwrap_or_else(RunId::new),
        message_id: None,
        claimed_at: at,
        created_at: at,
        answer: None,
    };
    let tx = services.db.begin().await?;
    let is_new = repo::idempotency::reserve(&tx, &row).await?;
    tx.commit().await?;
    if is_new {
        return Ok(Claim::New(row));
    }
    let known = repo::idempotency::find(&services.db, row.app_id, row.user_id, key).await?;
    let known = known.ok_or_else(in_progress)?;
    if known.request_hash != request_hash {
        let text = "This Idempotency-Key was used for a request with another body.";
        return Err(Error::conflict("idempotency_key_reused", text));
    }
    Ok(Claim::Known(known))
}

fn in_progress() -> Error {
    let text = "The first request with this Idempotency-Key is still being started. Try again.";
    Error { retry_after: Some(1), ..Error::conflict("idempotency_in_progress", text) }
}

async fn begin(
    services: &Arc<Services>,
    caller: &AppCaller,
    mut request: RunRequest,
    row: &IdempotencyKey,
) -> Result<Subscription> {
    request.run_id = Some(row.run_id);
    let started = start(services, caller, request).await;
    let tx = services.db.begin().await?;
    match &started {
        Ok(reader) => {
            if let Some(message) = reader.head().message_id {
                repo::idempotency::set_message(&tx, row.id, message).await?;
            }
        }
        Err(_) => repo::idempotency::release(&tx, row.id).await?,
    }
    tx.commit().await?;
    started
}

async fn again(
    services: &Arc<Services>,
    caller: &AppCaller,
    request: RunRequest,
    known: IdempotencyKey,
) -> Result<Subscription> {
    if let Some(live) = services.runs.find_run(known.run_id).filter(|live| live.hub.before() == 0) {
        return Ok(live.hub.subscribe());
    }
    if let Some(live) = known.message_id.and_then(|message| services.runs.find_message(message)) {
        return Ok(live.hub.subscribe());
    }
    let run = repo::runs::find(&services.db, known.tenant_id, known.app_id, known.run_id).await?;
    let message = match known.message_id {
        Some(id) => repo::messages::find(&services.db, known.app_id, id).await?,
        None => None,
    };
    match (run, message) {
        (Some(run), _) if run.status.is_final() => recorded(services, &run).await,
        (Some(_), _) => {
            let whose = Whose { tenant: known.tenant_id, app: known.app_id, user: known.user_id };
            let wanted = Wanted { snapshot: true, text: true, ..Wanted::default() };
            follow::events(services, whose, known.run_id, wanted).await
        }
        (None, Some(message)) => Ok(of_message(caller, &message)),
        (None, None) => {
            let at = now();
            if at - known.claimed_at < PATIENCE {
                return Err(in_progress());
            }
            let tx = services.db.begin().await?;
            let is_ours = repo::idempotency::reclaim(&tx, &known, at).await?;
            tx.commit().await?;
            if is_ours { begin(services, caller, request, &known).await } else { Err(in_progress()) }
        }
    }
}

/// The recorded stream of a run that is over: its beginning, what it said, its end.
async fn recorded(services: &Services, run: &WorkflowRun) -> Result<Subscription> {
    let hub = Hub::new(recovery::head_of(services, run).await?);
    let at = run.created_at.timestamp();
    let inputs = run.inputs.clone().unwrap_or_else(|| "{}".to_owned()).into();
    hub.publish(at, StreamBody::WorkflowStarted { inputs, resumed: false });
    let ended = follow::done_of(run).finished_at;
    hub.publish(ended, StreamBody::Text { text: recovery::text_of(services, run).await?, selector: None });
    for body in follow::ending(services, run).await? {
        hub.publish(ended, body);
    }
    hub.close();
    Ok(hub.subscribe())
}

fn publish_message(hub: &Hub, message: &Message, files: &super::event::JsonText) {
    let at = message.updated_at.timestamp();
    if let Some(message) = message.error.clone().filter(|_| message.status == "error") {
        hub.publish(at, StreamBody::Error { code: "invalid_param".into(), status: 400, message: message.into() });
        return;
    }
    let answer: Arc<str> = message.answer.as_str().into();
    hub.publish(at, StreamBody::Text { text: Arc::clone(&answer), selector: None });
    let metadata = Arc::new(follow::metadata_of(message));
    hub.publish(at, StreamBody::MessageEnd { answer, metadata, files: Arc::clone(files) });
}

/// The recorded stream of a basic app's message.
fn of_message(caller: &AppCaller, message: &Message) -> Subscription {
    let hub = Hub::new(StreamHead {
        mode: caller.app.mode,
        invoke_from: caller.invoke_from,
        task_id: ox_types::TaskId(message.id.0),
        run_id: None,
        workflow_id: None,
        conversation_id: Some(message.conversation_id),
        message_id: Some(message.id),
        created_at: message.created_at.timestamp(),
        user: caller.user.clone(),
    });
    debug_assert!(caller.app.mode != AppMode::Workflow, "a workflow has no message");
    publish_message(&hub, message, &"null".into());
    hub.close();
    hub.subscribe()
}

impl super::Runtime {
    /// A run under way here by its message.
    fn find_message(&self, message: MessageId) -> Option<Arc<super::LiveRun>> {
        self.find_live(|run| run.hub.head.message_id == Some(message))
    }
}
