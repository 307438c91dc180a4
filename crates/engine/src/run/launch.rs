//! From the ready queue to a running node.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{
    Token,
    core::{Core, Entry, Execution, Phase, Timer},
    frame::FrameId,
};
use crate::{FrameRef, Marker, Node, Pool, RunEventKind, StopCause};
use ox_dsl::graph::NodeSpec;
use ox_types::NodeRunId;

/// What the actor does next.
pub(crate) enum Step {
    /// Run a node.
    Launch(Box<Launch>),
    /// Something changed without a node to run.
    Progress,
    /// Nothing can begin now.
    Wait,
}

/// One attempt of a node, ready to run.
pub(crate) struct Launch {
    pub token: Token,
    pub attempt: u32,
    pub runner: Arc<dyn Node>,
    pub node: Arc<NodeSpec>,
    pub node_run_id: NodeRunId,
    pub frame: FrameRef,
    pub pool: Pool,
    pub answer: Option<Arc<ox_types::Json>>,
    pub cancel: CancellationToken,
    /// Its start must be durable before it runs.
    pub barrier: bool,
}

impl Core {
    /// Begins the first node of the ready queue for which there is a worker.
    pub fn step(&mut self) -> Step {
        self.check_end();
        if self.end.is_some() {
            return Step::Wait;
        }
        let Some(at) = self.queue.iter().position(|entry| self.may_begin(entry)) else { return Step::Wait };
        let Some(entry) = self.queue.get(at).copied() else { return Step::Wait };
        let Some(node) = self.compiled(entry.node) else {
            self.queue.remove(at);
            return Step::Progress;
        };
        let is_marker = node.built.marker == Some(Marker::ContainerStart);
        if node.inner.is_none() && !is_marker && self.running >= self.limits.workers.max(1) {
            return Step::Wait;
        }
        self.queue.remove(at);
        if is_marker && entry.token.is_none() {
            self.pass_marker(entry.frame, entry.node);
            return Step::Progress;
        }
        match self.take_up(entry) {
            Some(token) => self.launch(token),
            None => Step::Progress,
        }
    }

    /// The execution of an entry: the one that goes on, or a new one if the budget allows it.
    fn take_up(&mut self, entry: Entry) -> Option<Token> {
        if entry.token.is_some() {
            return entry.token;
        }
        if self.steps >= self.limits.max_steps {
            let reason = format!(
                "Maximum execution steps exceeded: {} > {}",
                self.steps.saturating_add(1),
                self.limits.max_steps
            );
            self.abort(StopCause::Limit, &reason);
            return None;
        }
        let token = self.open(entry.frame, entry.node)?;
        self.tell_start(token);
        Some(token)
    }

    /// Makes the execution of a node that starts now.
    pub(super) fn open(&mut self, frame: FrameId, node: usize) -> Option<Token> {
        let mut info = self.new_info(frame, node)?;
        self.steps += 1;
        self.top_steps += u32::from(frame == super::core::TOP);
        self.last_index += 1;
        info.index = self.last_index;
        let token = self.next_id();
        let execution = Execution {
            frame,
            node,
            info,
            attempt: 0,
            attempt_started: Instant::now(),
            answer: None,
            phase: Phase::Running,
            cancel: None,
            task: None,
        };
        self.executions.insert(token, execution);
        Some(token)
    }

    /// Emits the start of an execution; with the first one its frame begins to show.
    pub(super) fn tell_start(&mut self, token: Token) {
        let Some(execution) = self.executions.get(&token) else { return };
        let (frame, node, info) = (execution.frame, execution.node, execution.info.clone());
        if let Some(target) = self.frames.get_mut(&frame) {
            target.infos.insert(node, info.clone());
        }
        self.emit(RunEventKind::NodeStarted(info));
        self.begin_frame(frame);
    }

    fn begin_frame(&mut self, frame: FrameId) {
        let Some(target) = self.frames.get_mut(&frame) else { return };
        if !std::mem::replace(&mut target.begun, true) {
            self.coordinate(frame, |coordinator, view, shown| coordinator.start(view, shown));
        }
    }

    /// The beginning of a container's frame: its edges are taken, nothing is told.
    pub(super) fn pass_marker(&mut self, frame: FrameId, node: usize) {
        self.begin_frame(frame);
        self.settle(frame, node, None);
        self.leave(frame);
    }

    fn launch(&mut self, token: Token) -> Step {
        let Some(execution) = self.executions.get_mut(&token) else { return Step::Progress };
        let (frame, index) = (execution.frame, execution.node);
        let Some(node) = self.workflow.nodes.get(index) else { return Step::Progress };
        if node.inner.is_some() {
            self.start_container(token);
            return Step::Progress;
        }
        let cancel = self.cancel.child_token();
        execution.phase = Phase::Running;
        execution.attempt_started = Instant::now();
        execution.cancel = Some(cancel.clone());
        let (attempt, started) = (execution.attempt, execution.attempt_started);
        let (node_run_id, path) = (execution.info.node_run_id, execution.info.frame.clone());
        let answer = execution.answer.clone();
        let timeout = node.built.timeout.or(self.limits.node_timeout);
        let (runner, spec) = (Arc::clone(&node.built.runner), Arc::clone(&node.spec));
        let barrier = node.built.effect.needs_record();
        let Some(pool) = self.pool(frame).cloned() else { return Step::Progress };
        self.running += 1;
        if let Some(timeout) = timeout {
            self.arm(started + timeout.min(FAR), Timer::NodeTimeout(token, attempt));
        }
        Step::Launch(Box::new(Launch {
            token,
            attempt,
            runner,
            node: spec,
            node_run_id,
            frame: path,
            pool,
            answer,
            cancel,
            barrier,
        }))
    }
}

/// No time limit is longer (adding to a point in time must not overflow).
pub(super) const FAR: Duration = Duration::from_secs(10 * 365 * 24 * 3600);
