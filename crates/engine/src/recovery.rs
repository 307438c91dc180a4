//! What is known of a run that was interrupted or paused.

mod array_types;

use chrono::{DateTime, Utc};
use indexmap::IndexMap;
use ox_types::{Json, NodeRunId, NodeStatus, Value};
use serde::{Deserialize, Serialize};

pub use self::array_types::ArrayTypes;
use crate::{FrameRef, NodeInfo, NodeResult, RunEvent, RunEventKind, Selector, Usage};

/// The recorded part of a run, from which it goes on. The pool given with it is the one the run
/// was started with; everything since then follows from the finished nodes.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Recovery {
    /// In the order in which they finished (order of their `NodeFinished` events). Includes
    /// containers and nodes inside containers.
    pub finished: Vec<FinishedNode>,
    /// Started and not finished.
    pub interrupted: Vec<InterruptedNode>,
    /// Number of the last recorded event; the run's events go on after it.
    pub last_sequence: u64,
    /// Time used before.
    pub elapsed_seconds: f64,
}

impl Recovery {
    /// What is known of a run of which these events were recorded. Whatever had not ended was in this state.
    #[must_use]
    pub fn of_events<'a>(events: impl IntoIterator<Item = &'a RunEvent>, state: Interruption) -> Self {
        let mut recovery = Self::default();
        for event in events {
            recovery.last_sequence = event.sequence;
            match &event.kind {
                RunEventKind::NodeStarted(info) => recovery.interrupted.push(InterruptedNode::of(info, state)),
                RunEventKind::NodeRetry { node, retry_index, .. } => {
                    let is_it = |start: &&mut InterruptedNode| start.node_run_id == node.node_run_id;
                    if let Some(start) = recovery.interrupted.iter_mut().find(is_it) {
                        start.retries = *retry_index;
                    }
                }
                RunEventKind::NodeFinished(info, result) => {
                    recovery.interrupted.retain(|start| start.node_run_id != info.node_run_id);
                    recovery.finished.push(FinishedNode::of(info, result));
                }
                _ => {}
            }
        }
        recovery
    }
}

/// A node execution that has ended.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FinishedNode {
    pub node_id: String,
    pub frame: FrameRef,
    pub node_run_id: NodeRunId,
    /// The order of its start, as in `NodeInfo`.
    pub index: u32,
    pub started_at: DateTime<Utc>,
    pub status: NodeStatus,
    pub outputs: IndexMap<String, Value>,
    /// As in `NodeResult`.
    pub handle: Option<String>,
    pub updates: Vec<(Selector, Value)>,
    /// What outputs and updates do not tell of themselves after they were kept as JSON.
    #[serde(default, skip_serializing_if = "ArrayTypes::is_empty")]
    pub array_types: ArrayTypes,
    pub error: Option<String>,
    pub error_type: Option<String>,
    /// Failed attempts before the last one.
    pub retries: u32,
    pub usage: Option<Usage>,
}

impl FinishedNode {
    /// Gives outputs and updates that were read from JSON the types they had.
    pub fn restore_types(&mut self) {
        self.array_types.restore(&mut self.outputs, &mut self.updates);
    }

    /// As the end of an execution tells it.
    #[must_use]
    pub fn of(info: &NodeInfo, result: &NodeResult) -> Self {
        Self {
            node_id: info.node.id.clone(),
            frame: info.frame.clone(),
            node_run_id: info.node_run_id,
            index: info.index,
            started_at: info.started_at,
            status: result.status,
            outputs: result.outputs.clone(),
            handle: result.handle.clone(),
            updates: result.updates.clone(),
            array_types: ArrayTypes::of_result(&result.outputs, &result.updates),
            error: result.error.clone(),
            error_type: result.error_type.clone(),
            retries: result.retries,
            usage: result.usage.clone(),
        }
    }
}

/// A node execution that has started and not ended.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct InterruptedNode {
    pub node_id: String,
    pub frame: FrameRef,
    pub node_run_id: NodeRunId,
    pub index: u32,
    pub started_at: DateTime<Utc>,
    /// Failed attempts so far.
    pub retries: u32,
    pub state: Interruption,
    /// What came of what it paused for, given to the node when it runs again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<Json>,
}

impl InterruptedNode {
    /// As the start of an execution tells it.
    #[must_use]
    pub fn of(info: &NodeInfo, state: Interruption) -> Self {
        Self {
            node_id: info.node.id.clone(),
            frame: info.frame.clone(),
            node_run_id: info.node_run_id,
            index: info.index,
            started_at: info.started_at,
            retries: 0,
            state,
            answer: None,
        }
    }
}

/// What an unfinished execution was doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Interruption {
    /// Running: only a node whose effect allows it is run again.
    Running,
    /// Waiting for its next attempt.
    AwaitingRetry,
    /// Waiting for something outside: every unfinished node of a run whose last event is its pause.
    Paused,
}
