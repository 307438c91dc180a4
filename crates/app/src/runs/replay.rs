//! A recorded run once more, without touching the world: what called out answers from the journal, everything else is
//! executed again.
//!
//! The nodes finish in the order in which they finished then, so that everything that depends on the order of ends
//! (merged outputs, assigned variables) comes out the same. A node whose turn does not come because the replay went
//! another way goes on after a moment: then the runs differ, and the comparison says where.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use ox_db::model::{NodeExecution, WorkflowRun};
use ox_dsl::graph::{Graph, NodeSpec};
use ox_engine::{
    BuildError, BuiltNode, Effect, EventSink, FrameRef, Limits, Node, NodeContext, NodeFactory, NodeFailure,
    NodeOutput, RunEvent, RunEventKind, RunHandle, RunStart, SinkClosed,
};
use ox_types::{Json, NodeStatus, RunId, RunStatus, boxed};
use tokio::sync::watch;

use super::{
    compare::was_cut_off,
    compiled,
    derived::{self, Begun},
    event::AppMode,
    launch::{self, ResumeData},
    recovery,
    sink::RunSink,
};
use crate::{AppCaller, Error, Result, Services};

/// What `triggered_from` says of replays.
pub const REPLAY: &str = "replay";
/// How long a node waits for those that ended before it.
const PATIENCE: Duration = Duration::from_secs(2);
/// Waiting nodes must not keep others from running.
const WORKERS: usize = 100_000;
/// Kinds that nobody outside notices, but whose results may be others every time (random numbers, the clock, a person).
const UNSTEADY: [&str; 2] = ["code", "human-input"];

/// Runs a recorded run again and waits for its end. Returns the id of the new run.
///
/// # Errors
/// 404 when its workflow is gone, 400 when it cannot be run.
#[boxed]
pub async fn replay(
    services: &Arc<Services>,
    caller: &AppCaller,
    parent: &WorkflowRun,
    executions: &[NodeExecution],
) -> Result<RunId> {
    let begun = Begun::now();
    let permit = services.runs.enter(caller.app.app.id)?;
    let gone = || Error::not_found("The version that the run executed is gone.");
    let compiled = compiled::of_run(services, parent).await?.ok_or_else(gone)?;
    let graph = compiled.engine.as_ref().map_err(|why| Error::invalid(why.clone()))?.graph();
    let journal = Journal::new(parent, executions);
    let engine = ox_engine::Workflow::compile(hurried(graph), &Replaying { services, journal: Arc::clone(&journal) });
    let engine = engine.map_err(|error| Error::invalid(error.to_string()))?;
    let data = resume_data(parent, begun);
    let inputs: Json = json_of(parent.inputs.as_ref());
    let pool = launch::resume_pool(&compiled, &inputs, &data, parent.created_at);
    let text = parent.inputs.clone().unwrap_or_else(|| "{}".to_owned());
    let run = WorkflowRun {
        kind: parent.kind.clone(),
        graph: parent.graph.clone(),
        ..derived::row(services, caller, &compiled, begun, REPLAY, text)
    };
    let hub = derived::hub(caller, &compiled, begun);
    let mut reader = hub.subscribe();
    let sink = RunSink::new(services.runs.recorder.begin(hub), AppMode::Workflow, derived::begin(services, run, None));
    let start = RunStart {
        info: derived::info(caller, &compiled, begun),
        pool,
        root: data.root,
        limits: Limits { workers: WORKERS, ..launch::engine_limits(&services.settings) },
        sink: Arc::new(ReplaySink { inner: Arc::clone(&sink), journal: Arc::clone(&journal) }),
        tracker: services.runs.tracker.clone(),
    };
    let handle = ox_engine::start(engine, start).map_err(|error| Error::invalid(error.to_string()))?;
    journal.stops_with(handle.clone());
    derived::note_origin(services, caller, parent, begun, REPLAY, None).await?;
    launch::watch(services, handle, sink, caller.user.id(), Some(permit), None);
    // The stream ends when everything is recorded.
    loop {
        match reader.next().await {
            Ok(Some(_)) => {}
            Ok(None) => return Ok(begun.run_id),
            Err(_) => reader.skip_missed(),
        }
    }
}

/// What a run began with beside its inputs.
pub(super) fn resume_data(parent: &WorkflowRun, begun: Begun) -> ResumeData {
    let kept = parent.resume.as_deref().and_then(|text| serde_json::from_str::<ResumeData>(text).ok());
    let data = kept.unwrap_or_else(|| ResumeData {
        task_id: begun.task_id,
        invoke_from: "debugger".to_owned(),
        session_id: String::new(),
        conversation_id: None,
        message_id: None,
        root: None,
        resumed: 0,
        conversation: serde_json::Map::new(),
    });
    ResumeData { task_id: begun.task_id, message_id: None, resumed: 0, ..data }
}

pub(super) fn json_of(text: Option<&String>) -> Json {
    text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
}

/// The graph without the waits between attempts.
fn hurried(graph: &Graph) -> Arc<Graph> {
    let mut graph = graph.clone();
    for node in &mut graph.nodes {
        if node.retry.enabled && node.retry.interval_ms > 0 {
            let mut spec = NodeSpec::clone(node);
            spec.retry.interval_ms = 0;
            *node = Arc::new(spec);
        }
    }
    Arc::new(graph)
}

/// What is recorded of the nodes, and how far the replay is.
struct Journal {
    records: HashMap<(FrameRef, String), Record>,
    /// How many of the recorded ends have come, without a gap.
    reached: watch::Sender<usize>,
    ended: Mutex<Vec<bool>>,
    /// The replay went another way: nobody waits for a turn any more.
    parted: AtomicBool,
    /// What to stop where the recorded run was stopped.
    handle: Mutex<Option<RunHandle>>,
    /// Why it was stopped.
    stopped: Option<String>,
}

struct Record {
    execution: NodeExecution,
    /// Its place among the ends; `None`: it never ended.
    place: Option<usize>,
}

impl Journal {
    fn new(run: &WorkflowRun, executions: &[NodeExecution]) -> Arc<Self> {
        let mut ends: Vec<&NodeExecution> = executions.iter().filter(|node| node.finish_seq.is_some()).collect();
        ends.sort_by_key(|node| node.finish_seq);
        let places: HashMap<_, usize> = ends.iter().enumerate().map(|(place, node)| (node.id, place)).collect();
        let stopped = (run.status == RunStatus::Stopped).then(|| run.error.clone().unwrap_or_default());
        let records = executions.iter().map(|node| {
            let record = Record { execution: node.clone(), place: places.get(&node.id).copied() };
            ((recovery::frame_of(node), node.node_id.clone()), record)
        });
        Arc::new(Self {
            records: records.collect(),
            reached: watch::Sender::new(0),
            ended: Mutex::new(vec![false; ends.len()]),
            parted: AtomicBool::new(false),
            handle: Mutex::default(),
            stopped,
        })
    }

    fn stops_with(&self, handle: RunHandle) {
        *self.handle.lock().unwrap_or_else(PoisonError::into_inner) = Some(handle);
    }

    /// Stops the replay where the recorded run was stopped.
    async fn stop(&self) -> NodeFailure {
        let reason = self.stopped.clone().unwrap_or_default();
        loop {
            // The handle comes a moment after the start.
            let handle = self.handle.lock().unwrap_or_else(PoisonError::into_inner).clone();
            if let Some(handle) = handle {
                handle.stop(&reason);
                // The run drops this future.
                tokio::time::sleep(PATIENCE).await;
                return NodeFailure { error: reason, error_type: "Stopped".to_owned(), ..NodeFailure::default() };
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// An execution has ended.
    fn note_end(&self, frame: &FrameRef, node_id: &str) {
        let place = self.records.get(&(frame.clone(), node_id.to_owned())).and_then(|record| record.place);
        let mut ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(mark) = place.and_then(|place| ended.get_mut(place)) {
            *mark = true;
        }
        let reached = ended.iter().take_while(|ended| **ended).count();
        drop(ended);
        self.reached.send_if_modified(|known| std::mem::replace(known, reached) != reached);
    }

    /// Waits for the ends that came before this one.
    async fn turn(&self, place: Option<usize>) {
        let Some(place) = place else { return };
        let mut reached = self.reached.subscribe();
        while *reached.borrow_and_update() < place && !self.parted.load(Ordering::Relaxed) {
            if tokio::time::timeout(PATIENCE, reached.changed()).await.is_err() {
                self.parted.store(true, Ordering::Relaxed);
            }
        }
    }
}

/// Builds nodes that answer from the journal, or wait for their turn.
struct Replaying<'a> {
    services: &'a Services,
    journal: Arc<Journal>,
}

impl NodeFactory for Replaying<'_> {
    fn build(&self, spec: &NodeSpec) -> Result<BuiltNode, BuildError> {
        let mut built = self.services.nodes.build(spec)?;
        if built.container.is_some() || built.marker.is_some() {
            return Ok(built);
        }
        let is_recorded = built.effect != Effect::Pure || UNSTEADY.contains(&spec.kind.as_str());
        let inner = (!is_recorded).then(|| Arc::clone(&built.runner));
        built.runner = Arc::new(Replayed { journal: Arc::clone(&self.journal), inner });
        built.effect = Effect::Pure;
        built.timeout = None;
        Ok(built)
    }
}

struct Replayed {
    journal: Arc<Journal>,
    /// What is executed again; `None`: the journal answers.
    inner: Option<Arc<dyn Node>>,
}

#[async_trait]
impl Node for Replayed {
    async fn run(&self, cx: NodeContext) -> Result<NodeOutput, Box<NodeFailure>> {
        let record = self.journal.records.get(&(cx.frame.clone(), cx.node.id.clone()));
        let Some(record) = record else {
            if self.journal.stopped.is_some() {
                return Err(Box::new(self.journal.stop().await));
            }
            return match &self.inner {
                Some(inner) => inner.run(cx).await,
                None => Err(unrecorded(&cx.node)),
            };
        };
        let execution = &record.execution;
        if was_cut_off(execution) || (self.journal.stopped.is_some() && execution.error == self.journal.stopped) {
            return Err(Box::new(self.journal.stop().await));
        }
        if i64::from(cx.attempt) < i64::from(execution.retry_index) {
            return Err(NodeFailure::new("Recorded", "the recorded attempt failed"));
        }
        let result = match &self.inner {
            Some(inner) => inner.run(cx).await,
            None => answer(execution),
        };
        self.journal.turn(record.place).await;
        result
    }
}

fn unrecorded(node: &NodeSpec) -> Box<NodeFailure> {
    let text = format!("The recorded run did not come to {}: there is nothing to answer from.", node.title);
    let mut failure = NodeFailure::new("NotRecordedError", text);
    failure.retry_useless = true;
    failure
}

/// What an execution gave, as it is recorded.
fn answer(execution: &NodeExecution) -> Result<NodeOutput, Box<NodeFailure>> {
    let object = |text: &Option<String>| recovery::object_of(text.as_deref());
    let metadata = json_of(execution.execution_metadata.as_ref());
    let metadata = metadata.as_object().into_iter().flatten();
    let metadata = metadata.map(|(key, value)| (key.clone(), value.clone())).collect();
    let mut ended = recovery::finished_node(execution);
    ended.restore_types();
    if execution.status == NodeStatus::Succeeded {
        return Ok(NodeOutput {
            inputs: object(&execution.inputs),
            process_data: object(&execution.process_data),
            outputs: ended.outputs,
            handle: ended.handle,
            metadata,
            usage: ended.usage,
            updates: ended.updates,
            pause: None,
        });
    }
    Err(Box::new(NodeFailure {
        error: ended.error.unwrap_or_default(),
        error_type: ended.error_type.unwrap_or_default(),
        inputs: object(&execution.inputs),
        process_data: object(&execution.process_data),
        outputs: ended.outputs,
        metadata,
        usage: ended.usage,
        // As often as it was tried then, and not once more.
        retry_useless: true,
    }))
}

/// Tells the journal how far the replay is.
struct ReplaySink {
    inner: Arc<RunSink>,
    journal: Arc<Journal>,
}

#[async_trait]
impl EventSink for ReplaySink {
    async fn emit(&self, event: RunEvent) -> Result<(), SinkClosed> {
        let ended = match &event.kind {
            RunEventKind::NodeFinished(info, _) => Some((info.frame.clone(), info.node.id.clone())),
            _ => None,
        };
        self.inner.emit(event).await?;
        if let Some((frame, node_id)) = ended {
            self.journal.note_end(&frame, &node_id);
        }
        Ok(())
    }

    async fn barrier(&self) -> Result<(), SinkClosed> {
        self.inner.barrier().await
    }
}
