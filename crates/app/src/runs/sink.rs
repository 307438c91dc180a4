//! Turns engine events into rows for the recorder and events for the stream.

mod ending;
mod moderated;
pub(crate) mod pause;
mod shown;

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use ox_db::{
    Database,
    model::{ConversationVariable, Message, NodeExecution, WorkflowRun},
    shared_now,
};
use ox_engine::{ArrayTypes, EventSink, NodeInfo, NodeResult, RunEvent, RunEventKind, RunOutcome, SinkClosed};
use ox_models::Usage;
use ox_types::{Json, NodeStatus, RunStatus, Value, boxed};

pub(crate) use self::ending::fill_message;
pub(super) use self::shown::types_text;
use self::shown::{done, is_shown, text, view};
use super::{
    delta::Delta,
    draft::DraftKeeper,
    event::{AppMode, JsonText, MessageMetadata, NodeDone, StreamBody},
    recorder::Recording,
};

/// A conversation variable as the workflow declares it, with its stored row.
#[derive(Clone, Debug)]
pub struct LiveVariable {
    pub name: String,
    pub value_type: ox_types::ValueType,
    pub row: ConversationVariable,
}

/// What a run begins with.
pub struct RunBegin {
    pub run: WorkflowRun,
    /// JSON text of `workflow_started.inputs`.
    pub inputs: JsonText,
    /// Everything else that is written together with the run's row.
    pub with: Delta,
    /// Chatflow: the message to be filled.
    pub message: Option<Message>,
    pub variables: Vec<LiveVariable>,
    pub show_citations: bool,
    /// The longest that a form of this installation may wait.
    pub form_limit: std::time::Duration,
    /// The database by whose clock forms run out.
    pub clock: Database,
    /// Runs of the draft: keeps what the inspector shows.
    pub draft: Option<Arc<DraftKeeper>>,
}

/// The event sink of one graph run.
pub struct RunSink {
    recording: Arc<Recording>,
    mode: AppMode,
    debug: bool,
    draft: Option<Arc<DraftKeeper>>,
    clock: Database,
    state: Mutex<State>,
}

struct State {
    run: WorkflowRun,
    inputs: JsonText,
    with: Option<Delta>,
    message: Option<Message>,
    variables: Vec<LiveVariable>,
    answer: String,
    /// The answer was replaced when the run had ended: that is told between the run's end and the message's.
    moderated: bool,
    usage: Usage,
    resources: Vec<Json>,
    show_citations: bool,
    form_limit: std::time::Duration,
    /// A resumed run that had paused; its readers have seen everything before.
    was_paused: bool,
    finish_seq: i32,
    started: Instant,
    first_text: Option<Instant>,
    finished: bool,
}

/// What one engine event leads to.
#[derive(Default)]
struct Effects {
    change: Option<Delta>,
    show: Vec<StreamBody>,
    last: bool,
}

impl RunSink {
    /// The sink of a run that goes on: its rows are there already.
    #[must_use]
    pub fn resumed(recording: Arc<Recording>, mode: AppMode, begin: RunBegin) -> Arc<Self> {
        let sink = Self::new(recording, mode, begin);
        sink.lock().with = None;
        sink
    }

    /// The sink of a run that is about to start.
    #[must_use]
    pub fn new(recording: Arc<Recording>, mode: AppMode, begin: RunBegin) -> Arc<Self> {
        let debug = begin.run.triggered_from == "debugging";
        Arc::new(Self {
            recording,
            mode,
            debug,
            draft: begin.draft,
            clock: begin.clock,
            state: Mutex::new(State {
                run: begin.run,
                inputs: begin.inputs,
                with: Some(begin.with),
                message: begin.message,
                variables: begin.variables,
                answer: String::new(),
                moderated: false,
                usage: Usage::default(),
                resources: Vec::new(),
                show_citations: begin.show_citations,
                form_limit: begin.form_limit,
                was_paused: false,
                finish_seq: 0,
                started: Instant::now(),
                first_text: None,
                finished: false,
            }),
        })
    }

    /// The recording behind this sink.
    #[must_use]
    pub const fn recording(&self) -> &Arc<Recording> {
        &self.recording
    }

    /// The app of the run.
    #[must_use]
    pub fn app_id(&self) -> ox_types::AppId {
        self.lock().run.app_id
    }

    /// The workspace of the run.
    #[must_use]
    pub fn tenant_id(&self) -> ox_types::TenantId {
        self.lock().run.tenant_id
    }

    /// Restores what the interrupted process had shown and counted.
    pub fn restore(&self, answer: String, finish_seq: i32) {
        let mut state = self.lock();
        state.answer = answer;
        state.finish_seq = finish_seq;
    }

    /// Whether the run's end is recorded or on its way.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.lock().finished
    }

    /// Ends a run that the engine could not bring to an end.
    ///
    /// # Errors
    /// When it cannot be recorded.
    #[boxed]
    pub async fn abandon(&self, error: &str) -> Result<(), SinkClosed> {
        if self.is_finished() {
            return Ok(());
        }
        self.end(self.failure(error)).await
    }

    /// Ends a run that no engine runs.
    ///
    /// # Errors
    /// When it cannot be recorded.
    #[boxed]
    pub async fn end(&self, outcome: RunOutcome) -> Result<(), SinkClosed> {
        let kind = RunEventKind::RunFinished(Box::new(outcome));
        self.emit(RunEvent { sequence: 0, at: Utc::now(), kind }).await
    }

    fn failure(&self, error: &str) -> RunOutcome {
        let elapsed_seconds = self.lock().started.elapsed().as_secs_f64();
        RunOutcome { error: Some(error.to_owned()), elapsed_seconds, ..RunOutcome::new(RunStatus::Failed) }
    }

    /// The rows of a run whose recording failed, with their end, to be written later.
    pub(crate) fn last_words(&self, why: &str) -> Delta {
        let outcome = self.failure(&format!("The result of the run could not be recorded: {why}"));
        let mut state = self.lock();
        state.finished = false;
        let effects = state.run_finished(self.mode, ox_db::now(), &outcome);
        effects.change.unwrap_or_default()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn effects(&self, event: RunEvent) -> Effects {
        let mut state = self.lock();
        let at = event.at;
        match event.kind {
            RunEventKind::RunStarted => state.run_started(),
            RunEventKind::RunResumed { shown } => {
                self.recording.hub().begin_after(&shown);
                Effects { show: state.resumed(shown), ..Effects::default() }
            }
            RunEventKind::RunFinished(outcome) => state.run_finished(self.mode, at, &outcome),
            RunEventKind::RunPaused { reasons, outcome } => state.paused(reasons, &outcome, at, self.debug),
            RunEventKind::NodeStarted(info) => {
                let row = state.node_row(&info, self.debug);
                let change = node_change(row);
                let show = if is_shown(&info) { vec![StreamBody::NodeStarted(view(&info))] } else { Vec::new() };
                Effects { change: Some(change), show, last: false }
            }
            RunEventKind::NodeFinished(info, result) => state.node_finished(&info, &result, at, self.debug),
            RunEventKind::NodeRetry { node, result, retry_index } => {
                state.node_retry(&node, &result, retry_index, at, self.debug)
            }
            RunEventKind::Chunk { text, selector, .. } => state.text(self.mode, text, selector),
            RunEventKind::Reasoning { node, text, is_final } => Effects {
                show: vec![StreamBody::Reasoning {
                    node_id: node.node.id.as_str().into(),
                    text: text.into(),
                    is_final,
                }],
                ..Effects::default()
            },
            RunEventKind::Note { node, kind, data } => state.note(&node, kind, data),
            RunEventKind::ContainerStarted { node, inputs, length } => Effects {
                show: vec![StreamBody::ContainerStarted { node: view(&node), inputs: text(&inputs), length }],
                ..Effects::default()
            },
            RunEventKind::ContainerNext { node, index, .. } => {
                Effects { show: vec![StreamBody::ContainerNext { node: view(&node), index }], ..Effects::default() }
            }
            RunEventKind::ContainerFinished { node, result, steps } => {
                let done = Arc::new(done(&node, &result, at));
                Effects {
                    show: vec![StreamBody::ContainerFinished { node: view(&node), done, steps }],
                    ..Effects::default()
                }
            }
        }
    }
}

#[async_trait]
impl EventSink for RunSink {
    async fn emit(&self, mut event: RunEvent) -> Result<(), SinkClosed> {
        let at = event.at.timestamp();
        let draft = match &self.draft {
            Some(keeper) => keeper.of_event(&event).await,
            None => None,
        };
        if matches!(event.kind, RunEventKind::RunPaused { .. }) {
            // Every process looks after the forms of all, so they run out by the clock that all share. While the
            // database is away, the run's own must do.
            event.at = shared_now(&self.clock).await.unwrap_or(event.at);
        }
        let Effects { mut change, show, last } = self.effects(event);
        if let Some(draft) = draft {
            change.get_or_insert_default().draft = draft;
        }
        self.recording.put(change, at, show, last).await.map_err(|error| SinkClosed(error.to_string()))
    }

    async fn barrier(&self) -> Result<(), SinkClosed> {
        self.recording.barrier().await.map_err(|error| SinkClosed(error.to_string()))
    }
}

impl State {
    fn run_started(&mut self) -> Effects {
        // A resumed run has its rows already.
        let Some(mut change) = self.with.take() else { return Effects::default() };
        change.run = Some(self.run.clone());
        change.message.clone_from(&self.message);
        Effects {
            change: Some(change),
            show: vec![StreamBody::WorkflowStarted { inputs: Arc::clone(&self.inputs), resumed: false }],
            last: false,
        }
    }

    fn node_row(&self, info: &NodeInfo, debug: bool) -> NodeExecution {
        NodeExecution {
            id: info.node_run_id,
            tenant_id: self.run.tenant_id,
            app_id: self.run.app_id,
            workflow_id: self.run.workflow_id,
            triggered_from: "workflow-run".to_owned(),
            workflow_run_id: Some(self.run.id),
            index: i32::try_from(info.index).unwrap_or(i32::MAX),
            finish_seq: None,
            predecessor_node_id: None,
            node_id: info.node.id.clone(),
            node_type: info.node.kind.clone(),
            title: info.node.title.clone(),
            frame: (!info.frame.path.is_empty()).then(|| serde_json::to_string(&*info.frame.path).unwrap_or_default()),
            handle: None,
            retry_index: 0,
            inputs: None,
            process_data: None,
            outputs: None,
            updates: None,
            array_types: None,
            status: NodeStatus::Running,
            error: None,
            error_type: None,
            elapsed_time: 0.0,
            execution_metadata: None,
            debug,
            created_by_role: self.run.created_by_role.clone(),
            created_by: self.run.created_by,
            // The nodes of a run are looked for from its beginning on, also when the clock was set back meanwhile.
            created_at: info.started_at.max(self.run.created_at),
            finished_at: None,
        }
    }

    fn node_done_row(&mut self, info: &NodeInfo, result: &NodeResult, done: &NodeDone, debug: bool) -> NodeExecution {
        let mut row = self.node_row(info, debug);
        row.inputs = Some(done.inputs.to_string());
        row.process_data = Some(done.process_data.to_string());
        row.outputs = Some(done.outputs.to_string());
        row.status = result.status;
        row.error.clone_from(&result.error);
        row.error_type.clone_from(&result.error_type);
        row.handle.clone_from(&result.handle);
        row.elapsed_time = result.elapsed_seconds;
        row.execution_metadata = (&*done.metadata != "null").then(|| done.metadata.to_string());
        row.retry_index = i32::try_from(result.retries).unwrap_or(i32::MAX);
        row.updates = (!result.updates.is_empty())
            .then(|| serde_json::to_string(&result.updates).unwrap_or_else(|_| "[]".to_owned()));
        row.array_types = types_text(&ArrayTypes::of_result(&result.outputs, &result.updates));
        row
    }

    fn node_finished(&mut self, info: &NodeInfo, result: &NodeResult, at: DateTime<Utc>, debug: bool) -> Effects {
        let done = done(info, result, at);
        let mut row = self.node_done_row(info, result, &done, debug);
        self.finish_seq += 1;
        row.finish_seq = Some(self.finish_seq);
        row.finished_at = Some(at);
        // Compat: a node that ran when its run ended is recorded as failed, and not shown.
        let was_cut_off = result.status == NodeStatus::Stopped;
        if was_cut_off {
            row.status = NodeStatus::Failed;
        }
        // The children of a container have been counted one by one.
        if !info.node.is_container() {
            self.count_usage(result);
        }
        let mut change = node_change(row);
        self.keep_variables(&result.updates, at, &mut change);
        count_node(&info.node.kind, result);
        let show = if is_shown(info) && !was_cut_off {
            vec![StreamBody::NodeFinished(view(info), Arc::new(done))]
        } else {
            Vec::new()
        };
        Effects { change: Some(change), show, last: false }
    }

    fn node_retry(
        &mut self,
        info: &NodeInfo,
        result: &NodeResult,
        retry_index: u32,
        at: DateTime<Utc>,
        debug: bool,
    ) -> Effects {
        let mut done = done(info, result, at);
        done.status = NodeStatus::Retry.as_str();
        let mut row = self.node_done_row(info, result, &done, debug);
        row.status = NodeStatus::Retry;
        row.retry_index = i32::try_from(retry_index).unwrap_or(i32::MAX);
        let show = if is_shown(info) {
            vec![StreamBody::NodeRetry { node: view(info), done: Arc::new(done), retry_index }]
        } else {
            Vec::new()
        };
        Effects { change: Some(node_change(row)), show, last: false }
    }

    fn text(&mut self, mode: AppMode, text: String, selector: Vec<String>) -> Effects {
        if self.first_text.is_none() {
            self.first_text = Some(Instant::now());
            metrics::histogram!("oxidify_workflow_first_text_seconds").record(self.started.elapsed().as_secs_f64());
        }
        if mode == AppMode::AdvancedChat {
            self.answer.push_str(&text);
        }
        Effects {
            show: vec![StreamBody::Text { text: text.into(), selector: Some(selector.into()) }],
            ..Effects::default()
        }
    }

    fn note(&mut self, node: &NodeInfo, kind: &'static str, data: Json) -> Effects {
        if kind == "retriever_resources" {
            if let Json::Array(items) = &data {
                self.resources.extend(items.iter().cloned());
            }
            return Effects::default();
        }
        Effects { show: vec![StreamBody::Note { node: view(node), kind, data: Arc::new(data) }], ..Effects::default() }
    }

    /// Conversation variables written by the node are stored even if the run fails later.
    fn keep_variables(&mut self, updates: &[(Vec<String>, Value)], at: DateTime<Utc>, change: &mut Delta) {
        for (selector, value) in updates {
            let [scope, name, ..] = selector.as_slice() else { continue };
            if scope != "conversation" {
                continue;
            }
            if let Some(variable) = self.variables.iter_mut().find(|variable| variable.name == *name) {
                if let Json::Object(data) = &mut variable.row.data {
                    data.insert("value".to_owned(), value.to_json());
                }
                variable.row.updated_at = at;
                change.variables.insert(variable.row.id, variable.row.clone());
            }
        }
    }

    /// The full usage of a model call is in its node's process data; the engine counts tokens only.
    fn count_usage(&mut self, result: &NodeResult) {
        let full = result.process_data.get("usage").or_else(|| result.outputs.get("usage"));
        if let Some(usage) = full.and_then(|usage| serde_json::from_value::<Usage>(usage.to_json()).ok()) {
            self.usage += &usage;
        } else if let Some(usage) = &result.usage {
            self.usage.prompt_tokens += usage.prompt_tokens;
            self.usage.completion_tokens += usage.completion_tokens;
            self.usage.total_tokens += usage.total_tokens;
        }
    }
}

fn node_change(row: NodeExecution) -> Delta {
    let mut change = Delta::default();
    change.nodes.insert(row.id, row);
    change
}

fn count_node(kind: &str, result: &NodeResult) {
    metrics::counter!("oxidify_node_runs_total", "node_type" => kind.to_owned(), "status" => result.status.as_str())
        .increment(1);
    metrics::histogram!("oxidify_node_duration_seconds", "node_type" => kind.to_owned()).record(result.elapsed_seconds);
}
