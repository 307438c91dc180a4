//! What is known of a run that was interrupted or paused.

use chrono::{DateTime, Utc};
use indexmap::IndexMap;
use ox_types::{Json, NodeRunId, NodeStatus, Value};
use serde::{Deserialize, Serialize};

use crate::{FrameRef, Selector, Usage};

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
    pub error: Option<String>,
    pub error_type: Option<String>,
    /// Failed attempts before the last one.
    pub retries: u32,
    pub usage: Option<Usage>,
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
