//! The state of a run. Everything in it happens by one caller, one step at a time, without waiting:
//! the actor around it does the waiting.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap, HashSet, VecDeque},
    sync::Arc,
};

use chrono::Utc;
use indexmap::IndexMap;
use ox_types::{Json, Value};
use tokio::time::Instant;
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

use super::{
    Token,
    container::Progress,
    frame::{Frame, FrameId, Held},
    replay::Replay,
};
use crate::{
    Chunk, Limits, NodeFailure, NodeInfo, Pool, RunEvent, RunEventKind, RunInfo, RunOutcome, StopCause, Usage,
    Workflow,
    coordinator::{Piece, View},
    workflow::{CompiledNode, Layout},
};

/// The frame at the top of the run.
pub(super) const TOP: FrameId = 0;

pub(crate) struct Core {
    pub(super) workflow: Arc<Workflow>,
    pub(super) info: Arc<RunInfo>,
    pub(super) limits: Limits,
    pub(super) frames: HashMap<FrameId, Frame>,
    pub(super) executions: HashMap<Token, Execution>,
    pub(super) queue: VecDeque<Entry>,
    /// Executions that occupy a worker.
    pub(super) running: usize,
    pub(super) timers: BinaryHeap<Reverse<(Instant, u64, Timer)>>,
    /// Parent of the tokens given to nodes.
    pub(super) cancel: CancellationToken,
    pub(super) outbox: Vec<RunEvent>,
    pub(super) outputs: IndexMap<String, Value>,
    pub(super) usage: Usage,
    pub(super) exceptions: u32,
    /// Node starts in all frames, and at the top only.
    pub(super) steps: u32,
    pub(super) top_steps: u32,
    /// Highest number given to a node start.
    pub(super) last_index: u32,
    pub(super) held_bytes: usize,
    /// Why the run pauses, and for which execution.
    pub(super) pausing: Option<Vec<(Option<Token>, Json)>>,
    /// A pause is coming: what becomes ready now waits for the time after it, but for what goes on beside it.
    pub(super) hold: Option<Hold>,
    pub(super) stopped: Option<(StopCause, String)>,
    /// A limit that was passed; the step in which it happened is finished first.
    exceeded: Option<String>,
    pub(super) replay: Option<Replay>,
    pub(super) started: Instant,
    pub(super) elapsed_before: f64,
    pub(super) end: Option<RunOutcome>,
    sequence: u64,
    next_id: u64,
    pieces: Vec<Piece>,
}

/// A node in the ready queue.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub frame: FrameId,
    pub node: usize,
    /// The execution that goes on, if it has been started before.
    pub token: Option<Token>,
    /// It was ready when a node paused.
    pub before_pause: bool,
}

/// Where nodes have paused.
#[derive(Default)]
pub(super) struct Hold {
    /// Frames in which a node has paused, and those around them.
    pub frames: HashSet<FrameId>,
    /// The containers that these frames belong to: their other items go on.
    pub containers: HashSet<Token>,
    /// Somebody asked for the pause: nothing goes on.
    pub everywhere: bool,
}

/// A node execution that has started and not ended.
pub(super) struct Execution {
    pub frame: FrameId,
    pub node: usize,
    pub info: NodeInfo,
    pub attempt: u32,
    pub attempt_started: Instant,
    /// What came of what it paused for.
    pub answer: Option<Arc<Json>>,
    pub phase: Phase,
    pub cancel: Option<CancellationToken>,
    /// Ends the task when dropped.
    pub task: Option<AbortOnDropHandle<()>>,
}

pub(super) enum Phase {
    Running,
    /// In the ready queue again.
    Queued,
    AwaitingRetry(Box<NodeFailure>),
    Paused,
    Container(Box<Progress>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Timer {
    Retry(Token, u32),
    NodeTimeout(Token, u32),
    RunTime,
    Drain,
}

impl Core {
    pub fn new(workflow: Arc<Workflow>, info: Arc<RunInfo>, limits: Limits, layout: &Arc<Layout>, pool: Pool) -> Self {
        let top = Frame::new(layout, crate::FrameRef::default(), Some(pool));
        let mut core = Self {
            workflow,
            info,
            limits,
            frames: HashMap::from([(TOP, top)]),
            executions: HashMap::new(),
            queue: VecDeque::new(),
            running: 0,
            timers: BinaryHeap::new(),
            cancel: CancellationToken::new(),
            outbox: Vec::new(),
            outputs: IndexMap::new(),
            usage: Usage::default(),
            exceptions: 0,
            steps: 0,
            top_steps: 0,
            last_index: 0,
            held_bytes: 0,
            pausing: None,
            hold: None,
            stopped: None,
            exceeded: None,
            replay: None,
            started: Instant::now(),
            elapsed_before: 0.0,
            end: None,
            sequence: 0,
            next_id: TOP + 1,
            pieces: Vec::new(),
        };
        core.enqueue_root(TOP);
        core
    }

    /// A fresh run begins.
    pub fn begin(&mut self) {
        self.emit(RunEventKind::RunStarted);
        self.arm(self.started + self.limits.max_time, Timer::RunTime);
    }

    pub fn set_sequence(&mut self, last: u64) {
        self.sequence = last;
    }

    pub fn outcome(&self) -> Option<&RunOutcome> {
        self.end.as_ref()
    }

    pub fn next_id(&mut self) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        id
    }

    pub fn elapsed(&self) -> f64 {
        self.elapsed_before + self.started.elapsed().as_secs_f64()
    }

    /// Queues an event; while a record is applied again, nothing is told twice.
    pub(super) fn emit(&mut self, kind: RunEventKind) {
        if let Some(replay) = &mut self.replay {
            if let RunEventKind::Chunk { text, .. } = &kind {
                replay.shown.push_str(text);
            }
            return;
        }
        self.sequence += 1;
        self.outbox.push(RunEvent { sequence: self.sequence, at: Utc::now(), kind });
    }

    pub(super) fn arm(&mut self, at: Instant, timer: Timer) {
        let id = self.next_id();
        self.timers.push(Reverse((at, id, timer)));
    }

    pub fn next_deadline(&self) -> Option<Instant> {
        self.timers.peek().map(|Reverse((at, ..))| *at)
    }

    pub(super) fn enqueue(&mut self, frame: FrameId, node: usize) {
        if let Some(target) = self.frames.get_mut(&frame) {
            target.live += 1;
            self.queue.push_back(Entry { frame, node, token: None, before_pause: false });
        }
    }

    pub(super) fn enqueue_root(&mut self, frame: FrameId) {
        let Some(target) = self.frames.get_mut(&frame) else { return };
        let root = target.layout.root;
        target.state.set(root, crate::state::NodeState::Ready);
        self.enqueue(frame, root);
    }

    /// The pool a frame works on: its own or that of the nearest frame around it that has one.
    pub(super) fn pool(&self, frame: FrameId) -> Option<&Pool> {
        self.frames.get(&self.pool_owner(frame))?.pool.as_ref()
    }

    pub(super) fn pool_mut(&mut self, frame: FrameId) -> Option<&mut Pool> {
        let owner = self.pool_owner(frame);
        self.frames.get_mut(&owner)?.pool.as_mut()
    }

    pub(super) fn pool_owner(&self, mut frame: FrameId) -> FrameId {
        while let Some(Frame { pool: None, parent: Some((parent, _)), .. }) = self.frames.get(&frame) {
            frame = *parent;
        }
        frame
    }

    /// Writes a variable outside of the node that set it.
    pub(super) fn write(&mut self, frame: FrameId, selector: &[String], value: Value) {
        let [node, name] = selector else {
            tracing::warn!(?selector, "a variable update needs a selector of two parts");
            return;
        };
        let owner = self.pool_owner(frame);
        let Some(frame) = self.frames.get_mut(&owner) else { return };
        if node == "conversation" && frame.parent.is_some() {
            frame.written.insert(name.clone(), value.clone());
        }
        if let Some(pool) = &mut frame.pool {
            pool.set(node, name, value);
        }
    }

    /// Asks a frame's coordinator, with what it reads of the frame, and shows what it answers.
    pub(super) fn coordinate(
        &mut self,
        frame: FrameId,
        ask: impl FnOnce(&mut crate::coordinator::Coordinator, View<'_>, &mut Vec<Piece>),
    ) {
        let owner = self.pool_owner(frame);
        let Some(target) = self.frames.get_mut(&frame) else { return };
        if target.coordinator.is_idle() {
            return;
        }
        // A snapshot, so that the frame may be changed while its pool is read.
        let Some(pool) = self.frames.get(&owner).and_then(|owner| owner.pool.clone()) else { return };
        let workflow = Arc::clone(&self.workflow);
        let mut pieces = std::mem::take(&mut self.pieces);
        if let Some(target) = self.frames.get_mut(&frame) {
            let before = target.coordinator.buffered();
            let view = View { graph: &workflow.graph, pool: &pool, state: &target.state };
            ask(&mut target.coordinator, view, &mut pieces);
            self.held_bytes = (self.held_bytes + target.coordinator.buffered()).saturating_sub(before);
        }
        for piece in pieces.drain(..) {
            let info = self.attribution(frame, piece.node);
            let Piece { selector, text, is_final, .. } = piece;
            if let Some(node) = info {
                self.show(frame, RunEventKind::Chunk { node, text, selector, is_final });
            }
        }
        self.pieces = pieces;
        self.check_held();
    }

    /// Emits a chunk, or keeps it with the nearest frame that may not show yet.
    fn show(&mut self, frame: FrameId, event: RunEventKind) {
        match self.holder(frame) {
            None => self.emit(event),
            Some(holder) => {
                if let Some(frame) = self.frames.get_mut(&holder)
                    && let Some(held) = &mut frame.held
                {
                    if let RunEventKind::Chunk { text, .. } = &event {
                        frame.held_bytes += text.len();
                        self.held_bytes += text.len();
                    }
                    held.push(Held::Chunk(Box::new(event)));
                }
            }
        }
    }

    /// Adds the outputs of a response node to the run's, or keeps them with the frame that may not
    /// show yet.
    pub(super) fn merge_outputs(&mut self, frame: FrameId, outputs: &IndexMap<String, Value>) {
        if let Some(holder) = self.holder(frame) {
            if let Some(held) = self.frames.get_mut(&holder).and_then(|frame| frame.held.as_mut()) {
                held.push(Held::Outputs(outputs.clone()));
            }
            return;
        }
        for (key, value) in outputs {
            match self.outputs.get_mut(key) {
                Some(existing) if key == "answer" => *existing = Value::from(existing.text() + &value.text()),
                Some(existing) => *existing = value.clone(),
                None => {
                    self.outputs.insert(key.clone(), value.clone());
                }
            }
        }
    }

    fn holder(&self, mut frame: FrameId) -> Option<FrameId> {
        loop {
            let this = self.frames.get(&frame)?;
            if this.held.is_some() {
                return Some(frame);
            }
            frame = this.parent?.0;
        }
    }

    /// Shows what a frame has kept back, from the place of the frame around it.
    pub(super) fn release(&mut self, around: FrameId, held: Vec<Held>, bytes: usize) {
        self.held_bytes = self.held_bytes.saturating_sub(bytes);
        for item in held {
            match item {
                Held::Chunk(event) => self.show(around, *event),
                Held::Outputs(outputs) => self.merge_outputs(around, &outputs),
            }
        }
    }

    /// The execution a piece of the answer is attributed to: the latest start of that node here or
    /// around, else one with an id allotted now, which its start will use.
    fn attribution(&mut self, frame: FrameId, node: usize) -> Option<NodeInfo> {
        let mut at = Some(frame);
        while let Some(id) = at {
            let this = self.frames.get(&id)?;
            if let Some(info) = this.infos.get(&node) {
                return Some(info.clone());
            }
            at = this.parent.map(|(parent, _)| parent);
        }
        let info = self.new_info(frame, node)?;
        let this = self.frames.get_mut(&frame)?;
        this.reserved.insert(node, info.node_run_id);
        this.infos.insert(node, info.clone());
        Some(info)
    }

    /// Description of a node's execution in a frame, with the allotted id or a new one.
    pub(super) fn new_info(&self, frame: FrameId, node: usize) -> Option<NodeInfo> {
        let this = self.frames.get(&frame)?;
        Some(NodeInfo {
            node_run_id: this.reserved.get(&node).copied().unwrap_or_else(ox_types::NodeRunId::new),
            node: Arc::clone(&self.workflow.node(node)?.spec),
            frame: this.path.clone(),
            index: 0,
            iteration_id: this.iteration_id.clone(),
            loop_id: this.loop_id.clone(),
            started_at: Utc::now(),
        })
    }

    /// Handles a partial output of a running node.
    pub fn chunk(&mut self, token: Token, attempt: u32, chunk: Chunk) {
        let Some(execution) = self.executions.get(&token) else { return };
        if execution.attempt != attempt || !matches!(execution.phase, Phase::Running) {
            return;
        }
        let (frame, node) = (execution.frame, execution.node);
        match chunk {
            Chunk::Text { name, text, is_final } => {
                self.coordinate(frame, |coordinator, view, shown| {
                    coordinator.chunk(node, &name, text, is_final, view, shown);
                });
            }
            Chunk::Reasoning { text, is_final } => {
                let info = execution.info.clone();
                let mut is_shown = false;
                self.coordinate(frame, |coordinator, view, _| is_shown = coordinator.shows_reasoning(node, view));
                if is_shown {
                    self.emit(RunEventKind::Reasoning { node: info, text, is_final });
                }
            }
            Chunk::Note { kind, data } => {
                let info = execution.info.clone();
                self.emit(RunEventKind::Note { node: info, kind, data });
            }
        }
    }

    /// Ends the run when a limit was passed in the middle of a step.
    pub fn enforce(&mut self) {
        if let Some(reason) = self.exceeded.take() {
            self.abort(StopCause::Limit, &reason);
        }
    }

    fn check_held(&mut self) {
        let limit = self.limits.max_buffered_bytes;
        if self.held_bytes > limit && self.replay.is_none() {
            let held = self.held_bytes;
            self.exceeded
                .get_or_insert_with(|| format!("Maximum buffered answer size exceeded: {held} > {limit} bytes"));
        }
    }

    pub(super) fn compiled(&self, node: usize) -> Option<&CompiledNode> {
        self.workflow.node(node)
    }
}
