//! Going on with a recorded run: the results of finished nodes are applied again in their order,
//! without running or telling anything, until the run stands where it stood.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use ox_types::NodeStatus;
use tokio::time::Instant;

use super::{
    Token,
    core::{Core, Entry, Execution, Phase, TOP, Timer},
    frame::FrameFailure,
    launch::FAR,
};
use crate::{
    Effect, FinishedNode, FrameRef, InterruptedNode, Interruption, Marker, NodeFailure, Recovery, RunEventKind,
    event::NodeResult, run::failure::failed,
};

/// Where a node execution is: a node runs once per frame.
type Place = (FrameRef, usize);

/// The record while it is applied.
pub(super) struct Replay {
    /// Text that becomes visible by finished nodes.
    pub shown: String,
    finished: HashMap<Place, FinishedNode>,
    interrupted: HashMap<Place, InterruptedNode>,
    /// Containers in which something has started.
    expanded: HashSet<Place>,
    started: HashMap<Place, Token>,
    /// Containers that have come to their end without a record of it.
    deferred: Vec<Token>,
}

/// What is recorded of the start of a node.
#[derive(Clone, Copy)]
struct Start {
    node_run_id: ox_types::NodeRunId,
    index: u32,
    started_at: chrono::DateTime<chrono::Utc>,
    retries: u32,
}

impl Core {
    /// Brings a new run to where the record ends.
    pub fn recover(&mut self, recovery: Recovery) {
        if recovery.last_sequence == 0 && recovery.finished.is_empty() && recovery.interrupted.is_empty() {
            return self.begin();
        }
        self.set_sequence(recovery.last_sequence);
        let spent = if recovery.elapsed_seconds.is_finite() { recovery.elapsed_seconds.max(0.0) } else { 0.0 };
        self.elapsed_before = spent;
        let (order, problem) = self.read_record(recovery);
        let problem = problem.or_else(|| self.apply(&order));
        let Some(replay) = self.replay.take() else { return };
        let spent = Duration::try_from_secs_f64(spent).unwrap_or(FAR);
        self.arm(Instant::now() + self.limits.max_time.saturating_sub(spent).min(FAR), Timer::RunTime);
        self.emit(RunEventKind::RunResumed { shown: replay.shown });
        if let Some(problem) = problem {
            return self.give_up_record(&problem);
        }
        self.fail_interrupted(&replay.interrupted);
        for token in replay.deferred {
            match self.executions.get(&token).map(|execution| &execution.phase) {
                Some(Phase::Container(_)) => self.finish_container(token),
                _ => self.requeue(token),
            }
        }
        self.repeat_interrupted();
    }

    fn read_record(&mut self, recovery: Recovery) -> (Vec<Place>, Option<String>) {
        let mut replay = Replay {
            shown: String::new(),
            finished: HashMap::new(),
            interrupted: HashMap::new(),
            expanded: HashSet::new(),
            started: HashMap::new(),
            deferred: Vec::new(),
        };
        let mut order = Vec::with_capacity(recovery.finished.len());
        let mut problem = None;
        let graph = self.workflow.graph();
        let mut place = |frame: &FrameRef, node_id: &str, expanded: &mut HashSet<Place>| {
            for (depth, (container, _)) in frame.path.iter().enumerate() {
                let around = FrameRef { path: frame.path.get(..depth).unwrap_or_default().into() };
                if let Some(index) = graph.index_of(container) {
                    expanded.insert((around, index));
                }
            }
            let index = graph.index_of(node_id);
            if index.is_none() {
                problem = Some(mismatch(node_id));
            }
            index.map(|index| (frame.clone(), index))
        };
        for node in recovery.finished {
            if let Some(place) = place(&node.frame, &node.node_id, &mut replay.expanded) {
                order.push(place.clone());
                replay.finished.insert(place, node);
            }
        }
        for node in recovery.interrupted {
            if let Some(place) = place(&node.frame, &node.node_id, &mut replay.expanded) {
                replay.interrupted.insert(place, node);
            }
        }
        self.replay = Some(replay);
        (order, problem)
    }

    /// Applies the finished nodes in order; says what does not fit.
    fn apply(&mut self, order: &[Place]) -> Option<String> {
        self.start_known();
        for place in order {
            let token = self.replay.as_ref().and_then(|replay| replay.started.get(place).copied());
            let record = self.replay.as_mut().and_then(|replay| replay.finished.remove(place))?;
            let Some(execution) = token.and_then(|token| self.executions.remove(&token)) else {
                return Some(mismatch(&record.node_id));
            };
            self.clear_container(token);
            if let Some(problem) = self.apply_one(execution, record) {
                return Some(problem);
            }
            self.start_known();
        }
        None
    }

    /// Forgets what is left of a container that ends by its record.
    fn clear_container(&mut self, container: Option<Token>) {
        let direct = self.frames.iter().filter(|(_, frame)| frame.parent.map(|(_, token)| token) == container);
        let direct: Vec<_> = direct.filter(|(id, _)| **id != TOP).map(|(id, _)| *id).collect();
        for frame in direct.into_iter().flat_map(|id| self.frames_inside(id)).collect::<Vec<_>>() {
            self.frames.remove(&frame);
            self.queue.retain(|entry| entry.frame != frame);
            self.executions.retain(|_, execution| execution.frame != frame);
        }
        if let Some(replay) = &mut self.replay {
            replay.deferred.retain(|deferred| Some(*deferred) != container);
        }
    }

    fn apply_one(&mut self, execution: Execution, mut record: FinishedNode) -> Option<String> {
        record.restore_types();
        let failure = NodeFailure {
            error: record.error.clone().unwrap_or_default(),
            error_type: record.error_type.unwrap_or_default(),
            outputs: record.outputs,
            usage: record.usage,
            ..NodeFailure::default()
        };
        let mut result = NodeResult {
            handle: record.handle,
            updates: record.updates,
            error: record.error,
            ..failed(failure, record.status, record.retries, 0.0)
        };
        match record.status {
            NodeStatus::Succeeded => {
                result.error_type = None;
                self.complete(execution, result);
            }
            NodeStatus::Exception => {
                self.exceptions += 1;
                self.complete(execution, result);
            }
            NodeStatus::Failed => {
                self.exceptions += 1;
                self.end_failed(execution, result);
            }
            NodeStatus::Stopped => self.end_stopped(execution, &result.error.unwrap_or_default()),
            _ => return Some(mismatch(&record.node_id)),
        }
        None
    }

    /// Starts what is recorded as started, as far as it is ready; containers give more of it.
    fn start_known(&mut self) {
        while let Some((at, start)) = self.next_known() {
            let Some(entry) = self.queue.remove(at) else { return };
            match start {
                None => self.pass_marker(entry.frame, entry.node),
                Some(start) => self.start_recorded(entry, start),
            }
        }
    }

    fn next_known(&self) -> Option<(usize, Option<Start>)> {
        let replay = self.replay.as_ref()?;
        self.queue.iter().enumerate().find_map(|(at, entry)| {
            if self.compiled(entry.node)?.built.marker == Some(Marker::ContainerStart) {
                return Some((at, None));
            }
            let place = (self.frames.get(&entry.frame)?.path.clone(), entry.node);
            let start = match (replay.finished.get(&place), replay.interrupted.get(&place)) {
                (Some(node), _) => Start {
                    node_run_id: node.node_run_id,
                    index: node.index,
                    started_at: node.started_at,
                    retries: node.retries,
                },
                (_, Some(node)) => Start {
                    node_run_id: node.node_run_id,
                    index: node.index,
                    started_at: node.started_at,
                    retries: node.retries,
                },
                (None, None) => return None,
            };
            Some((at, Some(start)))
        })
    }

    fn start_recorded(&mut self, entry: Entry, start: Start) {
        let Some(path) = self.frames.get(&entry.frame).map(|frame| frame.path.clone()) else { return };
        let Some(token) = self.open(entry.frame, entry.node) else { return };
        self.last_index = self.last_index.saturating_sub(1).max(start.index);
        self.exceptions += start.retries;
        if let Some(execution) = self.executions.get_mut(&token) {
            execution.info.node_run_id = start.node_run_id;
            execution.info.index = start.index;
            execution.info.started_at = start.started_at;
            execution.attempt = start.retries;
        }
        self.tell_start(token);
        let place = (path, entry.node);
        let Some(replay) = &mut self.replay else { return };
        let goes_on = replay.expanded.contains(&place) || replay.finished.contains_key(&place);
        let answer = replay.interrupted.get(&place).and_then(|node| node.answer.clone());
        replay.started.insert(place, token);
        if let Some(execution) = self.executions.get_mut(&token) {
            execution.answer = answer.map(Arc::new);
        }
        if goes_on && self.compiled(entry.node).is_some_and(|node| node.inner.is_some()) {
            self.start_container(token);
        }
    }

    /// While the record is applied, a container ends by its own record, or after all of it.
    pub(super) fn is_deferred(&mut self, token: Token) -> bool {
        let Some(replay) = &mut self.replay else { return false };
        replay.deferred.push(token);
        true
    }

    /// Nodes that had begun an effect which must not be repeated fail the run.
    fn fail_interrupted(&mut self, interrupted: &HashMap<Place, InterruptedNode>) {
        for (_, token) in self.unfinished() {
            let Some(execution) = self.executions.get(&token) else { continue };
            let Some(node) = self.compiled(execution.node) else { continue };
            let place = (execution.info.frame.clone(), execution.node);
            let was_running = interrupted.get(&place).is_some_and(|node| node.state == Interruption::Running);
            if !was_running || node.built.effect != Effect::SideEffect {
                continue;
            }
            let text = format!(
                "interrupted: node {} ({}) was running when the process ended, and running it again could repeat \
                 its effect",
                node.spec.title, node.spec.id
            );
            self.exceptions += 1;
            self.fail_frame(TOP, &text);
            if let Some(execution) = self.executions.remove(&token) {
                let failure = NodeFailure { error: text, error_type: "interrupted".into(), ..NodeFailure::default() };
                let result = failed(failure, NodeStatus::Failed, execution.attempt, 0.0);
                self.end_failed(execution, result);
            }
        }
    }

    /// Other interrupted nodes run again, before those that have not started.
    fn repeat_interrupted(&mut self) {
        let mut entries = Vec::new();
        for (_, token) in self.unfinished() {
            let Some(execution) = self.executions.get_mut(&token) else { continue };
            if self.frames.get(&execution.frame).is_none_or(|frame| frame.draining) {
                let reason = self.top_error().unwrap_or_default();
                if let Some(execution) = self.executions.remove(&token) {
                    self.end_stopped(execution, &reason);
                }
                continue;
            }
            execution.phase = Phase::Queued;
            let (frame, node) = (execution.frame, execution.node);
            entries.push(Entry { frame, node, token: Some(token), before_pause: false });
        }
        for entry in entries.into_iter().rev() {
            self.queue.push_front(entry);
        }
    }

    /// Executions that were running, in the order of their start.
    fn unfinished(&self) -> Vec<(u32, Token)> {
        let mut open: Vec<_> = self
            .executions
            .iter()
            .filter(|(_, execution)| matches!(execution.phase, Phase::Running))
            .map(|(token, execution)| (execution.info.index, *token))
            .collect();
        open.sort_unstable();
        open
    }

    /// The record does not fit the workflow: the run fails, naming the place.
    fn give_up_record(&mut self, problem: &str) {
        if let Some(top) = self.frames.get_mut(&TOP) {
            top.failure = Some(FrameFailure { error: problem.to_owned() });
        }
        self.end_failed_run(problem);
    }
}

fn mismatch(node_id: &str) -> String {
    format!("the record of the run does not fit its workflow at node {node_id}")
}
