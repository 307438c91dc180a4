//! Events of a run, in the order in which the compatible API shows them.

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use indexmap::IndexMap;
use ox_dsl::graph::NodeSpec;
use ox_types::{Json, NodeRunId, NodeStatus, RunStatus, Value};

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
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
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
    pub index: u32,
    pub iteration_id: Option<String>,
    pub loop_id: Option<String>,
    pub started_at: DateTime<Utc>,
}

/// How an execution or container ended.
#[derive(Clone, Debug)]
pub struct RunOutcome {
    pub status: RunStatus,
    pub outputs: IndexMap<String, Value>,
    pub error: Option<String>,
    pub exceptions_count: u32,
    pub total_steps: u32,
    pub usage: Usage,
    pub elapsed_seconds: f64,
}

/// A finished attempt of a node.
#[derive(Clone, Debug)]
pub struct NodeResult {
    pub status: NodeStatus,
    pub inputs: IndexMap<String, Value>,
    pub process_data: IndexMap<String, Value>,
    pub outputs: IndexMap<String, Value>,
    pub error: Option<String>,
    pub error_type: Option<String>,
    /// The branch taken (`source` when not a branch).
    pub handle: Option<String>,
    pub metadata: BTreeMap<String, Json>,
    pub usage: Option<Usage>,
    pub updates: Vec<(Selector, Value)>,
    pub elapsed_seconds: f64,
}

/// What happened.
#[derive(Clone, Debug)]
pub enum RunEventKind {
    RunStarted,
    RunFinished(Box<RunOutcome>),
    RunPaused { reasons: Vec<Json>, outputs: IndexMap<String, Value> },
    NodeStarted(NodeInfo),
    /// Succeeded, failed or exception: see the status.
    NodeFinished(NodeInfo, Box<NodeResult>),
    NodeRetry { node: NodeInfo, result: Box<NodeResult>, retry_index: u32 },
    /// A visible piece of the answer, released by the streaming coordinator.
    Chunk { node: NodeInfo, text: String, selector: Selector, is_final: bool },
    Reasoning { node: NodeInfo, text: String, is_final: bool },
    Note { node: NodeInfo, kind: &'static str, data: Json },
    ContainerStarted { node: NodeInfo, inputs: IndexMap<String, Value>, length: Option<u32> },
    ContainerNext { node: NodeInfo, index: u32, outputs: Option<IndexMap<String, Value>> },
    ContainerFinished { node: NodeInfo, result: Box<NodeResult>, steps: u32 },
}

/// A partial output on its way from a node to the actor.
pub(crate) struct ChunkMessage {
    pub token: u64,
    pub chunk: Chunk,
}

pub(crate) enum Chunk {
    Text { name: String, text: String, is_final: bool },
    Reasoning { text: String, is_final: bool },
    Note { kind: &'static str, data: Json },
}
