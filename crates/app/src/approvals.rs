//! Questions of agents: may this tool be called with these arguments?
//!
//! A question is a value with a life time in the database, so that every process can list and answer it; the process
//! whose agent waits looks for the answer. Taking the value away is what answers it: of several that try, one does. A
//! question nobody answers ends by its time, and one whose run ends before is taken back. When the process dies, whoever
//! takes the run over has an agent that had called no tool yet begin anew, and ask again; one that had would repeat
//! what it has done, and fails. A process that was struck off meanwhile takes no answer: whoever has its runs does. An
//! agent app's answer ends with its process, and its question with it.

pub(crate) mod interrupted;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, OnceLock, PoisonError, Weak, atomic::Ordering},
    time::Duration,
};

use async_trait::async_trait;
use ox_agents::{ApprovalPort, Approver, Decision, Question, Taint, Verdict};
use ox_db::{Database, now, repo};
use ox_engine::{RunInfo, UserKind};
use ox_types::{AppId, ConversationId, Json, NodeRunId, TaskId, TenantId};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::{sync::Notify, time::Instant};
use uuid::Uuid;

use crate::{
    AppCaller, Error, Principal, Result, Services, audit,
    principal::Permission,
    runs::{InvokeFrom, LiveRun, StreamBody},
};

/// How often an answer is looked for that was given in another process.
const LOOK: Duration = Duration::from_secs(1);
/// Seconds after its time in which a question is still answered: an answer in the last moment counts.
const LATE: i64 = 60;
/// How much longer than its time a question is kept. Who waits takes it away; of a process that has died, it tells
/// whoever takes the run over what was asked.
const KEPT: Duration = Duration::from_secs(24 * 3600);
/// How long an answer waits to be read. Who takes a run over sees that there was one.
const ANSWERED: Duration = Duration::from_secs(600);
/// Before the workspace and the id of an open question.
const OPEN: &str = "tool_approval:";
/// Before the id of one that was answered.
const ANSWER: &str = "tool_approval_answer:";
/// Questions of one list.
const MOST: u64 = 200;
/// Characters of a reason.
const MAX_REASON: usize = 500;

/// An open question.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Approval {
    pub id: Uuid,
    pub app_id: AppId,
    pub task_id: TaskId,
    pub conversation_id: Option<ConversationId>,
    pub node_id: String,
    pub tool: String,
    pub label: String,
    pub provider: String,
    pub arguments: Json,
    /// `always`, `untrusted`.
    pub reasons: Vec<String>,
    /// What in the arguments comes from outside.
    pub taints: Vec<Taint>,
    pub approver: Approver,
    /// Unix seconds.
    pub asked_at: i64,
    pub expires_at: i64,
    /// The apps on the way from the one that was asked first to the one that asks.
    via: Vec<AppId>,
    user: Uuid,
    is_account: bool,
    /// The execution that asks, where it can begin anew and repeats nothing.
    #[serde(default)]
    again: Option<NodeRunId>,
    /// Where the answer is waited for.
    #[serde(default)]
    process: Uuid,
    #[serde(default)]
    tenant: Uuid,
    /// Of an agent app: its answer does not go on elsewhere.
    #[serde(default)]
    is_message: bool,
}

impl Approval {
    /// As it is shown.
    #[must_use]
    pub fn to_json(&self) -> Json {
        let mut shown = serde_json::to_value(self).unwrap_or_default();
        if let Json::Object(fields) = &mut shown {
            for name in ["via", "user", "is_account", "again", "process", "tenant", "is_message"] {
                fields.shift_remove(name);
            }
        }
        shown
    }

    /// As the stream tells it. What only members may decide, only they see.
    fn told(&self, to: InvokeFrom) -> Json {
        let mut shown = self.to_json();
        if let (Approver::Member, false, Json::Object(fields)) = (self.approver, to == InvokeFrom::Debugger, &mut shown)
        {
            fields.shift_remove("arguments");
            fields.shift_remove("taints");
        }
        shown
    }
}

/// By which door somebody comes to the questions.
#[derive(Clone, Copy)]
pub enum Door<'a> {
    /// A member of the workspace.
    Console(&'a Principal),
    /// Whoever uses an app.
    App(&'a AppCaller),
}

impl Door<'_> {
    fn tenant(self) -> TenantId {
        match self {
            Self::Console(principal) => principal.tenant_id(),
            Self::App(caller) => caller.tenant_id(),
        }
    }

    /// Whether this is a question of theirs.
    fn sees(self, question: &Approval) -> bool {
        match self {
            Self::Console(principal) => {
                let own = principal.account_id().is_ok_and(|id| question.is_account && id.0 == question.user);
                own || principal.require(Permission::AppEdit).is_ok()
            }
            Self::App(caller) => question.via.contains(&caller.app.app.id) && caller.user.id() == question.user,
        }
    }

    fn may_answer(self, question: &Approval) -> bool {
        match self {
            Self::Console(principal) => {
                question.approver == Approver::User || principal.require(Permission::AppEdit).is_ok()
            }
            Self::App(_) => question.approver == Approver::User,
        }
    }

    fn name(self) -> String {
        match self {
            Self::Console(principal) => {
                principal.account_id().map_or_else(|_| String::new(), |id| format!("account {id}"))
            }
            Self::App(caller) => format!("{} {}", caller.user.role(), caller.user.sys_user_id()),
        }
    }
}

/// What somebody has answered.
#[derive(Serialize, Deserialize)]
struct Answer {
    decision: Decision,
    reason: String,
    by: String,
    /// For whoever finds it unread.
    #[serde(default)]
    question: Option<Approval>,
}

fn open_key(tenant: TenantId, id: Uuid) -> String {
    format!("{}{id}", open_prefix(tenant))
}

fn open_prefix(tenant: TenantId) -> String {
    format!("{OPEN}{tenant}:")
}

fn answer_key(id: Uuid) -> String {
    format!("{ANSWER}{id}")
}

fn gone() -> Error {
    Error::not_found(
        "There is no open question of this id: it was answered, its time is over, or the run that asked has ended or asks \
         anew.",
    )
}

/// The questions that somebody may see, oldest first; of one app or task where one is named.
///
/// # Errors
/// When the database fails.
pub async fn list(
    services: &Services,
    door: Door<'_>,
    app: Option<AppId>,
    task: Option<TaskId>,
) -> Result<Vec<Approval>> {
    let all = repo::kv::list(&services.db, &open_prefix(door.tenant()), MOST).await?;
    let read = all.iter().filter_map(|text| serde_json::from_str::<Approval>(text).ok());
    let at = now().timestamp();
    let is_asked = |one: &Approval| {
        one.expires_at > at
            && door.sees(one)
            && (door.may_answer(one) || matches!(door, Door::Console(_)))
            && app.is_none_or(|app| one.via.contains(&app))
            && task.is_none_or(|task| one.task_id == task)
    };
    Ok(read.filter(is_asked).collect())
}

/// Answers a question: `approve` or `deny`.
///
/// # Errors
/// 404 when it is not open (any more), 403 when somebody else must answer it, 400 for another action.
pub async fn answer(services: &Services, door: Door<'_>, id: Uuid, action: &str, reason: &str) -> Result<()> {
    let decision = match action {
        "approve" => Decision::Approved,
        "deny" => Decision::Denied,
        other => return Err(Error::invalid_field("action", format!("action must be approve or deny, not '{other}'."))),
    };
    let key = open_key(door.tenant(), id);
    let found = repo::kv::get(&services.db, &key).await?.and_then(|text| serde_json::from_str::<Approval>(&text).ok());
    let at = now().timestamp();
    let is_open = |question: &Approval| door.sees(question) && question.expires_at + LATE > at;
    let question = found.filter(is_open).ok_or_else(gone)?;
    if !door.may_answer(&question) {
        return Err(Error::forbidden("Only a member of the workspace may answer this."));
    }
    let reason: String = reason.trim().chars().take(MAX_REASON).collect();
    let app = question.app_id;
    let tool = question.tool.clone();
    let answer = Answer { decision, reason, by: door.name(), question: Some(question) };
    let text = serde_json::to_string(&answer).map_err(Error::internal)?;
    let tx = services.db.begin().await?;
    repo::kv::take(&tx, &key).await?.ok_or_else(gone)?;
    repo::kv::set(&tx, &answer_key(id), &text, Some(ANSWERED)).await?;
    tx.commit().await?;
    services.approvals.wake(id);
    if let Door::Console(principal) = door {
        let after = json!({"app_id": app, "tool": tool, "decision": decision});
        audit::record(services, principal, "tool.approval.answer", "tool_approval", id, None, Some(after)).await;
    }
    Ok(())
}

/// Asks people, and waits for them.
pub struct Approvals {
    db: Database,
    life: Duration,
    services: OnceLock<Weak<Services>>,
    /// Who waits here.
    waiting: Mutex<HashMap<Uuid, Arc<Notify>>>,
}

impl Approvals {
    /// Over a database; a question lives this long. [`Approvals::attach`] completes it.
    #[must_use]
    pub fn new(db: Database, life: Duration) -> Self {
        Self { db, life, services: OnceLock::new(), waiting: Mutex::default() }
    }

    pub(crate) fn attach(&self, services: &Arc<Services>) {
        _ = self.services.set(Arc::downgrade(services));
    }

    fn wake(&self, id: Uuid) {
        if let Some(waiting) = self.lock().get(&id) {
            waiting.notify_one();
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Uuid, Arc<Notify>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn asked(&self, services: &Services, run: &RunInfo, question: &Question) -> Approval {
        let above = services.runs.callers_of(run.task_id);
        let asked_at = now();
        let mut reasons = Vec::new();
        if question.always {
            reasons.push("always".to_owned());
        }
        if !question.taints.is_empty() {
            reasons.push("untrusted".to_owned());
        }
        Approval {
            id: question.id,
            app_id: run.app_id,
            task_id: run.task_id,
            conversation_id: run.conversation_id,
            node_id: question.node_id.clone(),
            tool: question.tool.clone(),
            label: question.label.clone(),
            provider: question.provider.clone(),
            arguments: question.arguments.clone(),
            reasons,
            taints: question.taints.clone(),
            approver: question.approver,
            asked_at: asked_at.timestamp(),
            expires_at: (asked_at + self.life).timestamp(),
            via: above.iter().map(|above| above.app_id).chain([run.app_id]).collect(),
            user: run.user_id.parse().unwrap_or_default(),
            is_account: run.user_kind == UserKind::Account,
            // What another app has called is not gone on with alone.
            again: (above.is_empty() && !question.has_called).then_some(question.node_run_id),
            process: services.runs.process_id,
            tenant: run.tenant_id.0,
            is_message: run.workflow_id.0.is_nil(),
        }
    }

    /// Asks, and waits for the answer or the end of its time.
    async fn wait(&self, services: &Services, run: &RunInfo, asked: &Approval, waiting: &Notify) -> Result<Verdict> {
        let tenant = run.tenant_id;
        let text = serde_json::to_string(asked).map_err(Error::internal)?;
        let tx = self.db.begin().await?;
        if !repo::leases::hold(&tx, services.runs.process_id).await? {
            return Ok(Verdict::of(Decision::Unasked));
        }
        repo::kv::set(&tx, &open_key(tenant, asked.id), &text, Some(self.life + KEPT)).await?;
        tx.commit().await?;
        tell(services, run.task_id, "tool_approval_required", |to| asked.told(to));
        let end = Instant::now() + self.life;
        loop {
            if let Some(verdict) = self.answered(services, asked.id).await? {
                return Ok(verdict);
            }
            if Instant::now() >= end {
                let tx = self.db.begin().await?;
                let still_open = repo::kv::take(&tx, &open_key(tenant, asked.id)).await?.is_some();
                tx.commit().await?;
                if still_open {
                    return Ok(Verdict::of(Decision::TimedOut));
                }
                // Somebody was quicker by a moment.
                let answered = self.answered(services, asked.id).await?;
                return Ok(answered.unwrap_or_else(|| Verdict::of(Decision::TimedOut)));
            }
            tokio::select! {
                () = waiting.notified() => {}
                () = tokio::time::sleep_until(end.min(Instant::now() + LOOK)) => {}
            }
        }
    }

    /// The answer, taken: one process acts upon it. One whose runs others have taken over leaves it to them, who find it
    /// unread and ask anew, and waits for its own end.
    async fn answered(&self, services: &Services, id: Uuid) -> Result<Option<Verdict>> {
        let key = answer_key(id);
        if repo::kv::get(&self.db, &key).await?.is_none() {
            return Ok(None);
        }
        let tx = self.db.begin().await?;
        if !repo::leases::hold(&tx, services.runs.process_id).await? {
            return Ok(None);
        }
        let Some(text) = repo::kv::take(&tx, &key).await? else { return Ok(None) };
        tx.commit().await?;
        let Answer { decision, reason, by, .. } = serde_json::from_str(&text).map_err(Error::internal)?;
        Ok(Some(Verdict { decision, reason, by }))
    }
}

/// Tells the streams of a run and of those above it.
fn tell(services: &Services, task: TaskId, event: &'static str, data: impl Fn(InvokeFrom) -> Json) {
    let above = services.runs.callers_of(task);
    for task in above.iter().map(|above| above.task_id).chain([task]) {
        if let Some(live) = services.runs.find(task) {
            let data = Arc::new(data(live.hub.head.invoke_from));
            live.hub.publish(now().timestamp(), StreamBody::ToolApproval { event, data });
        }
    }
}

/// Takes a question back whose run has ended.
struct Asking<'a> {
    approvals: &'a Approvals,
    services: &'a Arc<Services>,
    tenant: TenantId,
    id: Uuid,
    /// What asks.
    live: Option<Arc<LiveRun>>,
    is_over: bool,
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        self.approvals.lock().remove(&self.id);
        // A run that another process takes over asks again there.
        let is_left = self.live.as_ref().is_some_and(|live| live.left.load(Ordering::Acquire));
        if self.is_over || is_left {
            return;
        }
        let (db, keys) = (self.services.db.clone(), [open_key(self.tenant, self.id), answer_key(self.id)]);
        self.services.runs.tracker.spawn(async move {
            let taken_back = async {
                let tx = db.begin().await?;
                for key in &keys {
                    repo::kv::delete(&tx, key).await?;
                }
                tx.commit().await
            };
            if let Err(error) = taken_back.await {
                tracing::warn!(%error, "a question nobody waits for stays until its time is over");
            }
        });
    }
}

#[async_trait]
impl ApprovalPort for Approvals {
    async fn ask(&self, run: &RunInfo, question: &Question) -> Verdict {
        let Some(services) = self.services.get().and_then(Weak::upgrade) else {
            return Verdict::of(Decision::Unasked);
        };
        let asked = self.asked(&services, run, question);
        let waiting = Arc::new(Notify::new());
        self.lock().insert(asked.id, Arc::clone(&waiting));
        let mut asking = Asking {
            approvals: self,
            services: &services,
            tenant: run.tenant_id,
            id: asked.id,
            live: services.runs.find(run.task_id),
            is_over: false,
        };
        let answer = self.wait(&services, run, &asked, &waiting);
        let verdict = match answer.await {
            Ok(verdict) => verdict,
            Err(error) => {
                tracing::error!(%error, source = ?error.source, "nobody can be asked about the call of a tool");
                Verdict::of(Decision::Unasked)
            }
        };
        asking.is_over = true;
        metrics::counter!("oxidify_tool_approvals_total", "decision" => verdict.decision.as_str()).increment(1);
        let done = json!({"id": asked.id, "tool": asked.tool, "decision": verdict.decision, "reason": verdict.reason});
        tell(&services, run.task_id, "tool_approval_answered", |_| done.clone());
        verdict
    }
}
