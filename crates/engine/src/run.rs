//! Starting, steering and awaiting a run.

mod actor;
mod container;
mod core;
mod failure;
mod frame;
mod launch;
mod replay;
mod settle;
mod stop;

use std::sync::{Arc, OnceLock};

use ox_dsl::graph::GraphError;
use ox_types::{RunStatus, TaskId};
use tokio::sync::watch;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    Chunk, EventSink, Limits, NodeFailure, NodeOutput, Pool, Recovery, RunEventKind, RunInfo, RunOutcome, Workflow,
};

/// Everything a run needs besides its workflow.
pub struct RunStart {
    pub info: RunInfo,
    /// System, environment and conversation variables and the user's inputs.
    pub pool: Pool,
    /// The node to begin with; `None`: the graph's own beginning.
    pub root: Option<String>,
    pub limits: Limits,
    pub sink: Arc<dyn EventSink>,
    /// Owns the run's tasks; shutdown waits for it.
    pub tracker: TaskTracker,
}

/// Why a run was not started.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Root(#[from] GraphError),
    #[error("Max workflow call depth {0} reached.")]
    CallDepth(u32),
}

/// A started run. Dropping it does not stop the run.
#[derive(Clone)]
pub struct RunHandle {
    task_id: TaskId,
    control: Arc<Control>,
    outcome: watch::Receiver<Option<RunOutcome>>,
}

impl RunHandle {
    /// The handle by which callers name this run.
    #[must_use]
    pub fn task_id(&self) -> TaskId {
        self.task_id
    }

    /// Ends the run as stopped: everything that runs is cancelled, containers included.
    pub fn stop(&self, reason: &str) {
        self.control.ask(Order::Stop(reason.to_owned()));
    }

    /// Ends the run as paused as soon as the nodes that are running have ended.
    pub fn pause(&self, message: &str) {
        self.control.ask(Order::Pause(message.to_owned()));
    }

    /// Gives the run up without an end: nothing more is emitted, another process takes it over.
    pub fn abandon(&self) {
        self.control.ask(Order::Abandon);
    }

    /// Waits for the end of the run; its last event has been emitted then.
    pub async fn wait(&self) -> RunOutcome {
        let mut outcome = self.outcome.clone();
        match outcome.wait_for(Option::is_some).await {
            Ok(outcome) => outcome.clone().unwrap_or_else(given_up),
            // The actor was dropped with its runtime, or has panicked: the run has no end here.
            Err(_) => RunOutcome { error: Some("the task of the run is gone".to_owned()), ..given_up() },
        }
    }
}

fn given_up() -> RunOutcome {
    RunOutcome::new(RunStatus::Running)
}

/// Starts a run in its own task.
///
/// # Errors
/// When it cannot begin with the requested node, or is nested too deep in calls.
pub fn start(workflow: Arc<Workflow>, start: RunStart) -> Result<RunHandle, StartError> {
    launch(workflow, start, None, None)
}

/// Goes on with a run that was interrupted or paused. Finished nodes are not repeated.
///
/// # Errors
/// As [`start`].
pub fn resume(workflow: Arc<Workflow>, start: RunStart, recovery: Recovery) -> Result<RunHandle, StartError> {
    launch(workflow, start, Some(recovery), None)
}

/// Ends a run that was interrupted as stopped, with everything of it that had begun. Nothing of it goes on.
///
/// # Errors
/// As [`start`].
pub fn stop_recorded(
    workflow: Arc<Workflow>,
    start: RunStart,
    recovery: Recovery,
    reason: &str,
) -> Result<RunHandle, StartError> {
    launch(workflow, start, Some(recovery), Some(reason))
}

/// The text that the recorded part of a run has fixed, as its stream shows it. Runs nothing.
///
/// # Errors
/// When the run cannot have begun with that node.
pub fn shown_text(workflow: Arc<Workflow>, start: RunStart, recovery: Recovery) -> Result<String, StartError> {
    let RunStart { info, pool, root, limits, .. } = start;
    let layout = workflow.beginning(root.as_deref())?;
    let mut core = core::Core::new(workflow, Arc::new(info), limits, &layout, pool);
    core.recover(recovery);
    let shown = std::mem::take(&mut core.outbox).into_iter().find_map(|event| match event.kind {
        RunEventKind::RunResumed { shown } => Some(shown),
        _ => None,
    });
    Ok(shown.unwrap_or_default())
}

fn launch(
    workflow: Arc<Workflow>,
    start: RunStart,
    recovery: Option<Recovery>,
    stop: Option<&str>,
) -> Result<RunHandle, StartError> {
    let RunStart { info, pool, root, limits, sink, tracker } = start;
    if info.call_depth > limits.max_call_depth {
        return Err(StartError::CallDepth(limits.max_call_depth));
    }
    let layout = workflow.beginning(root.as_deref())?;
    let (sender, outcome) = watch::channel(None);
    let control = Arc::new(Control::default());
    let handle = RunHandle { task_id: info.task_id, control: Arc::clone(&control), outcome };
    if let Some(reason) = stop {
        handle.stop(reason);
    }
    let core = core::Core::new(workflow, Arc::new(info), limits, &layout, pool);
    let actor = actor::Actor::new(core, sink, control, tracker.clone());
    tracker.spawn(async move {
        let outcome = actor.run(recovery).await;
        // Nobody may be waiting.
        let _ = sender.send(Some(outcome));
    });
    Ok(handle)
}

/// What the holder of a handle has asked for.
#[derive(Default)]
pub(crate) struct Control {
    order: OnceLock<Order>,
    /// A stop outdoes a pause that was asked for before.
    urgent: OnceLock<Order>,
    asked: CancellationToken,
    urged: CancellationToken,
}

#[derive(Clone, Debug)]
pub(crate) enum Order {
    Stop(String),
    Pause(String),
    Abandon,
}

impl Control {
    fn ask(&self, order: Order) {
        // The first one of its sort counts.
        let (slot, signal) = match order {
            Order::Pause(_) => (&self.order, &self.asked),
            Order::Stop(_) | Order::Abandon => (&self.urgent, &self.urged),
        };
        if slot.set(order).is_ok() {
            signal.cancel();
        }
    }

    fn pause(&self) -> Option<&Order> {
        self.order.get()
    }

    fn urgent(&self) -> Option<&Order> {
        self.urgent.get()
    }
}

/// Number of one node execution in a run.
pub(crate) type Token = u64;

/// What a node execution tells the actor.
pub(crate) enum Message {
    Chunk {
        token: Token,
        attempt: u32,
        chunk: Chunk,
    },
    Done {
        token: Token,
        attempt: u32,
        result: Result<Box<NodeOutput>, Box<NodeFailure>>,
    },
    /// The start of a side effect could not be made durable.
    SinkClosed(String),
}
