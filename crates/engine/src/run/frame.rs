//! One frame: the top of a run, an item of an iteration, or a round of a loop.

use std::{collections::HashMap, sync::Arc};

use indexmap::IndexMap;
use ox_types::{NodeRunId, Value};
use tokio::time::Instant;

use super::Token;
use crate::{
    FrameRef, NodeInfo, Pool, RunEventKind, Usage, coordinator::Coordinator, state::FrameState, workflow::Layout,
};

pub(super) type FrameId = u64;

/// States of the nodes between a beginning and the ends it leads to.
pub(super) struct Frame {
    pub layout: Arc<Layout>,
    pub path: FrameRef,
    /// The frame and the container execution it belongs to.
    pub parent: Option<(FrameId, Token)>,
    pub state: FrameState,
    pub coordinator: Coordinator,
    /// Its own variables, or `None`: those of the frame around it.
    pub pool: Option<Pool>,
    /// Conversation variables written into `pool`, to be written back.
    pub written: IndexMap<String, Value>,
    /// Latest start of each node.
    pub infos: HashMap<usize, NodeInfo>,
    /// Execution ids allotted before the start.
    pub reserved: HashMap<usize, NodeRunId>,
    /// Ready, running and waiting executions, containers included.
    pub live: usize,
    pub begun: bool,
    /// Ends as soon as what runs has ended, because of this failure here or around it.
    pub draining: bool,
    pub failure: Option<FrameFailure>,
    pub loop_end: bool,
    /// What it shows is kept back: an earlier item is still showing.
    pub held: Option<Vec<Held>>,
    pub held_bytes: usize,
    pub usage: Usage,
    pub started: Instant,
    /// Kind of the container: which of the two ids its nodes carry.
    pub iteration_id: Option<String>,
    pub loop_id: Option<String>,
}

/// Why a frame ended early.
#[derive(Clone, Debug)]
pub(super) struct FrameFailure {
    pub error: String,
}

/// Something a frame shows later.
#[derive(Debug)]
pub(super) enum Held {
    Chunk(Box<RunEventKind>),
    Outputs(IndexMap<String, Value>),
}

impl Frame {
    pub fn new(layout: &Arc<Layout>, path: FrameRef, pool: Option<Pool>) -> Self {
        Self {
            path,
            parent: None,
            state: layout.initial.clone(),
            coordinator: Coordinator::new(&layout.stream),
            pool,
            written: IndexMap::new(),
            infos: HashMap::new(),
            reserved: HashMap::new(),
            live: 0,
            begun: false,
            draining: false,
            failure: None,
            loop_end: false,
            held: None,
            held_bytes: 0,
            usage: Usage::default(),
            started: Instant::now(),
            iteration_id: None,
            loop_id: None,
            layout: Arc::clone(layout),
        }
    }

    pub fn depth(&self) -> usize {
        self.path.path.len()
    }
}

impl FrameRef {
    /// The frame of an item or round of a container in this frame.
    pub(crate) fn child(&self, container: &str, index: u32) -> Self {
        let mut path = self.path.to_vec();
        path.push((container.to_owned(), index));
        Self { path: path.into() }
    }
}
