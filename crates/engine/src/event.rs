//! Events of a run, in the order in which the compatible API shows them.

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use indexmap::IndexMap;
use ox_dsl::graph::NodeSpec;
use ox_types::{Json, NodeRunId, NodeStatus, RunStatus, Value};
use serde::{Deserialize, Serialize};

use crate::{Selector, Usage};

/// Where events go. It makes them durable and shows them, in this order.
#[async_trait]
pub trait EventSink: Send + Sync {
    /// Takes one event. May wait: that slows the run down, it never loses an event.
    ///
    /// # Errors
    /// When nothing can be recorded any more; the run stops.
    async fn emit(&self, event: RunEvent) -> Result<(), SinkClosed>;

    /// Returns when everything emitted before is durable (called before side effects).
    ///
    /// # Errors
    /// When it could not be made durable; the side effect must not happen.
    async fn barrier(&self) -> Result<(), SinkClosed>;
}

/// The sink cannot record any more.
#[derive(Clone, Debug, thiserror::Error)]
#[error("run events cannot be recorded: {0}")]
pub struct SinkClosed(pub String);

/// One event with its number in the run, starting at 1.
#[derive(Clone, Debug)]
pub struct RunEvent {
    pub sequence: u64,
    pub at: DateTime<Utc>,
    pub kind: RunEventKind,
}

/// Position of a node execution inside containers; empty at the top.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FrameRef {
    /// Container node id and index of the item or round, outermost first.
    pub path: Arc<[(String, u32)]>,
}

/// Which execution of which node an event is about.
#[derive(Clone, Debug)]
pub struct NodeInfo {
    pub node_run_id: NodeRunId,
    pub node: Arc<NodeSpec>,
    pub frame: FrameRef,
    /// 1-based order of node starts in the run.
    /// (0 in chunks of a response node that has not started yet).
    pub index: u32,
    pub iteration_id: Option<String>,
    pub loop_id: Option<String>,
    pub started_at: DateTime<Utc>,
}

/// Why a run was stopped before its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopCause {
    /// Somebody asked for it: the stream ends as `stopped`.
    Request,
    /// A limit was reached: the record says `stopped`, the stream `failed` with the reason.
    Limit,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq)]
pub struct RunOutcome {
    /// `Running` when the run was given up here without an end, to be taken over elsewhere.
    pub status: RunStatus,
    pub stopped_by: Option<StopCause>,
    /// The response nodes' outputs so far, whatever the status.
    pub outputs: IndexMap<String, Value>,
    pub error: Option<String>,
    pub exceptions_count: u32,
    /// Node starts outside of containers, as the compatible API counts them.
    pub total_steps: u32,
    pub usage: Usage,
    pub elapsed_seconds: f64,
}

impl RunOutcome {
    /// An outcome with this status and nothing else.
    #[must_use]
    pub fn new(status: RunStatus) -> Self {
        Self {
            status,
            stopped_by: None,
            outputs: IndexMap::new(),
            error: None,
            exceptions_count: 0,
            total_steps: 0,
            usage: Usage::default(),
            elapsed_seconds: 0.0,
        }
    }
}

/// A finished attempt of a node.
#[derive(Clone, Debug)]
pub struct NodeResult {
    /// `Succeeded`, `Failed`, `Exception` (failed, and the run goes on by an error strategy),
    /// `Retry` in a retry event, or `Stopped`: the run ended while the node was running, `error`
    /// says why (upstream shows no event for these and records them as failed).
    pub status: NodeStatus,
    pub inputs: IndexMap<String, Value>,
    pub process_data: IndexMap<String, Value>,
    pub outputs: IndexMap<String, Value>,
    pub error: Option<String>,
    pub error_type: Option<String>,
    /// The branch taken; `None`: not a branch.
    pub handle: Option<String>,
    pub metadata: BTreeMap<String, Json>,
    /// Of a container: the sum over its children, which have been counted already.
    pub usage: Option<Usage>,
    pub updates: Vec<(Selector, Value)>,
    /// Failed attempts before this one.
    pub retries: u32,
    pub elapsed_seconds: f64,
}

/// Why a run pauses.
#[derive(Clone, Debug)]
pub struct PauseReason {
    /// The execution that waits; `None`: somebody asked for the pause.
    pub node: Option<NodeInfo>,
    /// What the node gave as its reason.
    pub data: Json,
}

/// What happened.
#[derive(Clone, Debug)]
pub enum RunEventKind {
    RunStarted,
    /// The run goes on after a pause or on another process. `shown` is the text of the answer that
    /// finished nodes have fixed so far: a resumed stream replaces what it has by it.
    RunResumed {
        shown: String,
    },
    RunFinished(Box<RunOutcome>),
    /// The run waits. Each waiting node execution is named by one of the reasons; what it did so far
    /// is in the outcome.
    RunPaused {
        reasons: Vec<PauseReason>,
        outcome: Box<RunOutcome>,
    },
    NodeStarted(NodeInfo),
    /// Exactly one per started node, except those that wait when a run pauses. Containers have it
    /// beside their own events.
    NodeFinished(NodeInfo, Box<NodeResult>),
    NodeRetry {
        node: NodeInfo,
        result: Box<NodeResult>,
        retry_index: u32,
    },
    /// A visible piece of the answer, released by the streaming coordinator.
    Chunk {
        node: NodeInfo,
        text: String,
        selector: Selector,
        is_final: bool,
    },
    Reasoning {
        node: NodeInfo,
        text: String,
        is_final: bool,
    },
    Note {
        node: NodeInfo,
        kind: &'static str,
        data: Json,
    },
    /// A container with something to do begins (an empty iteration shows none of these).
    ContainerStarted {
        node: NodeInfo,
        inputs: IndexMap<String, Value>,
        length: Option<u32>,
    },
    /// Iteration: item `index` starts. Loop: `index` rounds are completed and another one starts.
    ContainerNext {
        node: NodeInfo,
        index: u32,
        outputs: Option<IndexMap<String, Value>>,
    },
    ContainerFinished {
        node: NodeInfo,
        result: Box<NodeResult>,
        steps: u32,
    },
}
