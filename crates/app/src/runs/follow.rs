//! The stream of a run for somebody who comes later: what is recorded, what is kept, and what comes.
//!
//! A run under way in this process is followed in its hub. Any other run is followed in its record: nodes as they
//! start and end there, its pauses, its end; and in its hub, once it goes on here.

use std::{collections::HashSet, sync::Arc, time::Duration};

use ox_db::{
    model::{Message, NodeExecution, WorkflowRun},
    repo,
};
use ox_dsl::graph::NodeSpec;
use ox_types::{AppId, Json, NodeRunId, NodeStatus, RunId, RunStatus, TaskId, TenantId, boxed};
use uuid::Uuid;

use super::{
    event::{
        AppMode, JsonText, MessageMetadata, NodeDone, NodeFacts, NodeView, RunDone, RunPause, StreamBody, StreamEvent,
        StreamHead,
    },
    hub::{Hub, Subscription},
    recovery,
};
use crate::{Error, Principal, Result, Services};

/// How often the record of a run is looked at that is under way elsewhere, or waits.
const LOOK: Duration = Duration::from_millis(300);

/// What somebody wants to see of a run.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wanted {
    /// The last event they have seen.
    pub after: Option<u64>,
    /// First what has happened so far.
    pub snapshot: bool,
    /// The stream does not end when the run waits.
    pub over_pauses: bool,
    /// What is missed of its text comes as one replacement.
    pub text: bool,
}

/// Whose run it must be.
#[derive(Clone, Copy, Debug)]
pub struct Whose {
    pub tenant: TenantId,
    pub app: AppId,
    pub user: Uuid,
}

fn missing() -> Error {
    Error::not_found("Workflow run not found")
}

/// The events of a run of an app's user.
///
/// # Errors
/// 404 when the run is not theirs.
#[boxed]
pub async fn events(services: &Arc<Services>, whose: Whose, id: RunId, wanted: Wanted) -> Result<Subscription> {
    if let Some(live) = services.runs.find_run(id) {
        if live.app_id != whose.app || live.user_id != whose.user {
            return Err(missing());
        }
        let is_behind = wanted.after.is_some_and(|after| after > 0 && !live.hub.keeps(after));
        let knows_all = !is_behind && (live.hub.before() == 0 || !wanted.snapshot);
        if knows_all && !wanted.over_pauses {
            return Ok(live.hub.subscribe_after(wanted.after.unwrap_or(0)));
        }
    }
    let run = repo::runs::find(&services.db, whose.tenant, whose.app, id).await?.ok_or_else(missing)?;
    if run.created_by != whose.user {
        return Err(missing());
    }
    of_record(services, run, wanted).await
}

/// The events of a run that a member of the workspace has started.
///
/// # Errors
/// 404 when there is none.
#[boxed]
pub async fn events_of_member(
    services: &Arc<Services>,
    principal: &Principal,
    id: RunId,
    wanted: Wanted,
) -> Result<Subscription> {
    let (tenant, user) = (principal.tenant_id(), principal.account_id()?.0);
    let app = match services.runs.find_run(id) {
        Some(live) => live.app_id,
        None => repo::runs::find_in(&services.db, tenant, id).await?.ok_or_else(missing)?.app_id,
    };
    // The app of a run that is not recorded yet is checked here.
    crate::apps::find(services, principal, app).await.map_err(|_| missing())?;
    events(services, Whose { tenant, app, user }, id, wanted).await
}

async fn of_record(services: &Arc<Services>, run: WorkflowRun, wanted: Wanted) -> Result<Subscription> {
    if run.status.is_final() && wanted.text {
        let hub = Hub::new(recovery::head_of(services, &run).await?);
        let text = recovery::text_of(services, &run).await?;
        hub.publish(done_of(&run).finished_at, StreamBody::TextReplace { text, reason: "resumed" });
        for body in ending(services, &run).await? {
            hub.publish(done_of(&run).finished_at, body);
        }
        hub.close();
        return Ok(hub.subscribe());
    }
    if run.status.is_final() {
        // Without the envelope of a chat, and named by the run.
        let hub = Hub::new(StreamHead {
            mode: AppMode::Workflow,
            task_id: TaskId(run.id.0),
            conversation_id: None,
            message_id: None,
            ..recovery::head_of(services, &run).await?
        });
        let done = done_of(&run);
        hub.publish(done.finished_at, StreamBody::WorkflowFinished(Arc::new(done)));
        hub.close();
        return Ok(hub.subscribe());
    }
    let hub = Hub::new(recovery::head_of(services, &run).await?);
    let reader = hub.subscribe();
    let (services, seen) = (Arc::clone(services), Seen::default());
    let (part, is_stale) = (recovery::events_before(&run), wanted.text);
    let follower =
        Follower { services: Arc::clone(&services), hub, wanted, seen, at: 0, part, is_stale, is_watching: false };
    services.tracker.spawn(follower.follow(run));
    Ok(reader)
}

/// Fills a hub of its own with what happens to a run.
struct Follower {
    services: Arc<Services>,
    hub: Arc<Hub>,
    wanted: Wanted,
    seen: Seen,
    /// Number of the last event passed on.
    at: u64,
    /// The part of the run that was last passed on: parts lie between its pauses and take-overs. Known by the number
    /// of the event before its first one.
    part: u64,
    /// The reader does not have the text that the record has fixed.
    is_stale: bool,
    /// The run was looked at before: what it says from now on unseen, its reader is told.
    is_watching: bool,
}

#[derive(Default)]
struct Seen {
    started: HashSet<NodeRunId>,
    finished: HashSet<NodeRunId>,
    forms: HashSet<String>,
}

impl Seen {
    /// Whether this has not been told yet.
    fn is_new(&mut self, body: &StreamBody) -> bool {
        match body {
            StreamBody::NodeStarted(node) => self.started.insert(node.id),
            StreamBody::NodeFinished(node, _) => self.finished.insert(node.id),
            StreamBody::HumanInputRequired(form) => {
                self.forms.insert(form.get("form_id").and_then(Json::as_str).unwrap_or_default().to_owned())
            }
            _ => true,
        }
    }
}

impl Follower {
    async fn follow(mut self, mut run: WorkflowRun) {
        let (tenant, app, id) = (run.tenant_id, run.app_id, run.id);
        self.at = self.wanted.after.unwrap_or(0);
        let mut waits_seen = !(self.wanted.snapshot || self.wanted.after.is_some());
        if self.wanted.snapshot || self.at > 0 {
            self.tell_started(&run);
        }
        let mut catch_up = self.wanted.snapshot || self.at > 0;
        while Arc::strong_count(&self.hub) > 1 && !self.services.shutdown.is_cancelled() {
            if std::mem::take(&mut catch_up) {
                self.tell_nodes(&run).await;
            }
            match self.services.runs.find_run(id) {
                Some(live) => {
                    waits_seen = true;
                    if self.pass_on(&live.hub).await {
                        break;
                    }
                }
                None if run.status.is_final() => {
                    self.is_stale = self.owes_text();
                    self.tell_nodes(&run).await;
                    self.tell_text(&run).await;
                    match ending(&self.services, &run).await {
                        Ok(bodies) => {
                            bodies.into_iter().for_each(|body| self.tell(done_of(&run).finished_at, body));
                            break;
                        }
                        Err(error) => tracing::warn!(%error, run_id = %id, "a run cannot be followed for the moment"),
                    }
                }
                None if run.status == RunStatus::Paused => {
                    // It may have gone on, and paused again, without being seen.
                    let part = recovery::events_before(&run);
                    if part > std::mem::replace(&mut self.part, part) {
                        (self.is_stale, waits_seen) = (self.owes_text(), false);
                        self.tell_nodes(&run).await;
                    }
                    if !std::mem::replace(&mut waits_seen, true) {
                        self.tell_text(&run).await;
                        self.tell_pause(&run).await;
                        if !self.wanted.over_pauses {
                            break;
                        }
                    }
                }
                // Another process runs it.
                None => {
                    waits_seen = false;
                    self.is_stale = self.owes_text();
                    self.tell_nodes(&run).await;
                }
            }
            self.is_watching = true;
            tokio::time::sleep(LOOK).await;
            match repo::runs::find(&self.services.db, tenant, app, id).await {
                Ok(Some(found)) => run = found,
                Ok(None) => break,
                Err(error) => tracing::warn!(%error, run_id = %id, "a run cannot be followed for the moment"),
            }
        }
        self.hub.close();
    }

    /// Passes on what a hub in this process has; true when that was the end of the stream.
    async fn pass_on(&mut self, from: &Arc<Hub>) -> bool {
        let mut reader = from.subscribe_after(self.at);
        // Whole parts were missed: the one before this begins a thousand million events before it.
        self.is_stale |= self.owes_text() && from.before() > self.part + recovery::EVENTS;
        self.part = from.before();
        // The text up to this event was told as a whole.
        let mut text_until = 0;
        let mut is_over = false;
        loop {
            let next = tokio::time::timeout(Duration::from_secs(1), reader.next()).await;
            if self.is_stale
                && let Some((text, last)) = from.text_so_far()
            {
                self.is_stale = false;
                text_until = last;
                self.tell(ox_db::now().timestamp(), StreamBody::TextReplace { text, reason: "resumed" });
            }
            match next {
                // Whoever this is for may have left.
                Err(_) if Arc::strong_count(&self.hub) <= 1 => return true,
                Err(_) => {}
                Ok(Ok(Some(event))) => {
                    self.at = event.number;
                    let is_text = matches!(event.body, StreamBody::Text { .. } | StreamBody::TextReplace { .. });
                    if self.seen.is_new(&event.body) && !(is_text && event.number <= text_until) {
                        self.hub.forward(&event);
                    }
                    match &event.body {
                        StreamBody::WorkflowPaused(_) if !self.wanted.over_pauses => return true,
                        StreamBody::Error { .. } => return true,
                        StreamBody::WorkflowFinished(_) if !self.hub.head.mode.is_chat() => return true,
                        // A chat may say more after it.
                        StreamBody::WorkflowFinished(_) => is_over = true,
                        _ => {}
                    }
                }
                Ok(Ok(None)) => return is_over,
                Ok(Err(_)) => {
                    self.is_stale = true;
                    reader.skip_missed();
                }
            }
        }
    }

    /// Whether text that was missed is told: to who comes back for it, and to who waited for the run to go on.
    const fn owes_text(&self) -> bool {
        self.wanted.text || self.is_watching
    }

    fn tell(&self, at: i64, body: StreamBody) {
        self.hub.forward(&StreamEvent { number: self.at, at, body });
    }

    /// Tells the text that the record has fixed to a reader who does not have it.
    async fn tell_text(&mut self, run: &WorkflowRun) {
        if !self.is_stale {
            return;
        }
        match recovery::text_of(&self.services, run).await {
            Ok(text) => {
                self.is_stale = false;
                self.tell(ox_db::now().timestamp(), StreamBody::TextReplace { text, reason: "resumed" });
            }
            Err(error) => tracing::warn!(%error, run_id = %run.id, "the text of a run cannot be told"),
        }
    }

    fn tell_started(&self, run: &WorkflowRun) {
        let inputs: JsonText = run.inputs.clone().unwrap_or_else(|| "{}".to_owned()).into();
        self.tell(run.created_at.timestamp(), StreamBody::WorkflowStarted { inputs, resumed: false });
    }

    /// Tells of nodes what is recorded and was not told yet.
    async fn tell_nodes(&mut self, run: &WorkflowRun) {
        let rows = match repo::runs::executions_of(&self.services.db, run).await {
            Ok(rows) => rows,
            Err(error) => {
                tracing::warn!(%error, run_id = %run.id, "a run cannot be followed for the moment");
                return;
            }
        };
        for row in &rows {
            if matches!(row.node_type.as_str(), "iteration" | "loop" | "iteration-start" | "loop-start") {
                continue;
            }
            let view = view_of(row, &rows);
            if self.seen.started.insert(row.id) {
                self.tell(view.created_at, StreamBody::NodeStarted(view.clone()));
            }
            if row.finish_seq.is_some() && self.seen.finished.insert(row.id) {
                let done = node_done(row);
                self.tell(done.finished_at, StreamBody::NodeFinished(view, Arc::new(done)));
            }
        }
    }

    async fn tell_pause(&mut self, run: &WorkflowRun) {
        let forms = repo::human_input::of_run(&self.services.db, run.id).await.unwrap_or_default();
        let pause = repo::human_input::pause_of(&self.services.db, run.id).await.ok().flatten();
        let at = pause.as_ref().map_or_else(|| ox_db::now().timestamp(), |pause| pause.created_at.timestamp());
        for form in forms.iter().filter(|form| form.status == "waiting") {
            let shown = StreamBody::HumanInputRequired(Arc::new(super::sink::pause::required(&form.definition)));
            self.seen.is_new(&shown);
            self.tell(at, shown);
        }
        let reasons = pause.and_then(|pause| pause.reasons.as_array().cloned()).unwrap_or_default();
        self.tell(
            at,
            StreamBody::WorkflowPaused(Arc::new(RunPause {
                reasons,
                outputs: run.outputs.clone().unwrap_or_else(|| "{}".to_owned()).into(),
                answer: "".into(),
                elapsed_seconds: run.elapsed_time,
                total_tokens: u64::try_from(run.total_tokens).unwrap_or(0),
                total_steps: u32::try_from(run.total_steps).unwrap_or(0),
            })),
        );
    }
}

/// The last events of a run that is over, as its own stream had them.
pub(super) async fn ending(services: &Services, run: &WorkflowRun) -> Result<Vec<StreamBody>> {
    let done = Arc::new(done_of(run));
    let finished = StreamBody::WorkflowFinished(Arc::clone(&done));
    let Some(message) = recovery::message_of(services, run).await? else { return Ok(vec![finished]) };
    if done.status == RunStatus::Failed {
        let why = done.error.as_deref().unwrap_or("unknown error");
        let error = StreamBody::Error {
            code: "invalid_param".into(),
            status: 400,
            message: format!("Run failed: {why}").into(),
        };
        return Ok(vec![finished, error]);
    }
    let end = StreamBody::MessageEnd {
        answer: message.answer.as_str().into(),
        metadata: Arc::new(metadata_of(&message)),
        files: Arc::clone(&done.files),
    };
    Ok(if done.status == RunStatus::Stopped { vec![finished, end] } else { vec![end, finished] })
}

/// The metadata that a message was stored with.
pub(super) fn metadata_of(message: &Message) -> MessageMetadata {
    let metadata: Json =
        message.message_metadata.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    MessageMetadata {
        annotation_reply: metadata.get("annotation_reply").cloned().filter(|reply| !reply.is_null()),
        retriever_resources: metadata.get("retriever_resources").and_then(Json::as_array).cloned().unwrap_or_default(),
        usage: metadata.get("usage").and_then(|usage| serde_json::from_value(usage.clone()).ok()).unwrap_or_default(),
        answered_by: metadata.get("answered_by").cloned(),
        context_window: metadata.get("context_window").cloned(),
    }
}

/// The end of a recorded run.
pub(crate) fn done_of(run: &WorkflowRun) -> RunDone {
    RunDone {
        status: run.status,
        outputs: run.outputs.clone().unwrap_or_else(|| "{}".to_owned()).into(),
        error: run.error.clone(),
        elapsed_seconds: run.elapsed_time,
        total_tokens: u64::try_from(run.total_tokens).unwrap_or(0),
        total_steps: u32::try_from(run.total_steps).unwrap_or(0),
        exceptions_count: u32::try_from(run.exceptions_count).unwrap_or(0),
        finished_at: run.finished_at.unwrap_or(run.created_at).timestamp(),
        files: "[]".into(),
    }
}

fn view_of(row: &NodeExecution, rows: &[NodeExecution]) -> NodeView {
    let frame: Vec<(String, u32)> =
        row.frame.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    let container = frame.last().map(|(id, _)| id.as_str());
    let is_loop = container.is_some_and(|id| rows.iter().any(|row| row.node_id == id && row.node_type == "loop"));
    Arc::new(NodeFacts {
        id: row.id,
        node: Arc::new(NodeSpec {
            id: row.node_id.clone(),
            kind: row.node_type.clone(),
            title: row.title.clone(),
            ..NodeSpec::default()
        }),
        created_at: row.created_at.timestamp(),
        iteration_id: container.filter(|_| !is_loop).map(Arc::from),
        loop_id: container.filter(|_| is_loop).map(Arc::from),
    })
}

fn node_done(row: &NodeExecution) -> NodeDone {
    let text = |text: &Option<String>, default: &str| -> JsonText { text.as_deref().unwrap_or(default).into() };
    let metadata: Json =
        row.execution_metadata.as_deref().and_then(|t| serde_json::from_str(t).ok()).unwrap_or_default();
    NodeDone {
        inputs: text(&row.inputs, "{}"),
        process_data: text(&row.process_data, "{}"),
        outputs: text(&row.outputs, "{}"),
        status: if row.status == NodeStatus::Stopped { NodeStatus::Failed } else { row.status }.as_str(),
        error: row.error.clone(),
        elapsed_seconds: row.elapsed_time,
        metadata: text(&row.execution_metadata, "null"),
        finished_at: row.finished_at.unwrap_or(row.created_at).timestamp(),
        files: "[]".into(),
        total_tokens: metadata.get("total_tokens").and_then(Json::as_u64).unwrap_or(0),
    }
}
