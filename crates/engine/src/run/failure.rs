//! What follows from the failure of a node (engine reference §4).

use std::{collections::VecDeque, time::Duration};

use ox_dsl::graph::{ErrorStrategy, FAIL_HANDLE};
use ox_types::{NodeStatus, Value};
use serde_json::json;
use tokio::time::Instant;

use super::{
    Token,
    core::{Core, Entry, Execution, Phase, TOP, Timer},
    frame::{FrameFailure, FrameId},
    launch::FAR,
};
use crate::{
    NodeFailure,
    event::{NodeResult, RunEventKind},
};

impl Core {
    /// An attempt has failed: it is tried again, or its error strategy applies, or it fails its frame.
    pub(super) fn fail(&mut self, token: Token, failure: Box<NodeFailure>) {
        self.exceptions += 1;
        let Some(execution) = self.executions.get_mut(&token) else { return };
        let draining = self.frames.get(&execution.frame).is_none_or(|frame| frame.draining);
        let Some(node) = self.workflow.nodes.get(execution.node) else { return };
        let retry = node.spec.retry;
        let again = retry.enabled && node.built.retryable && execution.attempt < retry.max_retries;
        if again && !failure.retry_useless && !draining {
            execution.phase = Phase::AwaitingRetry(failure);
            let timer = Timer::Retry(token, execution.attempt);
            let wait = Duration::from_millis(retry.interval_ms).min(FAR);
            let wait = wait.mul_f64(1.0 + JITTER * spread(execution.info.node_run_id, execution.attempt));
            self.arm(Instant::now() + wait.min(FAR), timer);
            return;
        }
        if let Some(execution) = self.executions.remove(&token) {
            self.conclude(execution, *failure);
        }
    }

    /// The wait before another attempt is over.
    pub(super) fn retry(&mut self, token: Token, attempt: u32) {
        let Some(execution) = self.executions.get_mut(&token) else { return };
        if execution.attempt != attempt || !matches!(execution.phase, Phase::AwaitingRetry(_)) {
            return;
        }
        let Phase::AwaitingRetry(failure) = std::mem::replace(&mut execution.phase, Phase::Queued) else { return };
        execution.attempt += 1;
        let (frame, node, info) = (execution.frame, execution.node, execution.info.clone());
        let elapsed = execution.attempt_started.elapsed().as_secs_f64();
        let mut result = failed(*failure, NodeStatus::Retry, attempt, elapsed);
        self.account(frame, result.usage.as_ref(), false);
        result.tell_usage();
        self.emit(RunEventKind::NodeRetry { node: info, result: Box::new(result), retry_index: attempt + 1 });
        self.queue.push_back(Entry { frame, node, token: Some(token), before_pause: false });
    }

    /// The last attempt has failed.
    pub(super) fn conclude(&mut self, execution: Execution, failure: NodeFailure) {
        let elapsed = execution.attempt_started.elapsed().as_secs_f64();
        let draining = self.frames.get(&execution.frame).is_none_or(|frame| frame.draining);
        let strategy = self.compiled(execution.node).and_then(|node| node.spec.error_strategy.clone());
        let Some(strategy) = strategy.filter(|_| !draining) else {
            let result = failed(failure, NodeStatus::Failed, execution.attempt, elapsed);
            return self.end_failed(execution, result);
        };
        let mut result = failed(failure, NodeStatus::Exception, execution.attempt, elapsed);
        result.outputs.clear();
        result.metadata.insert("error_strategy".to_owned(), json!(strategy.as_str()));
        match strategy {
            ErrorStrategy::FailBranch => result.handle = Some(FAIL_HANDLE.to_owned()),
            ErrorStrategy::DefaultValue(values) => result.outputs.extend(values),
        }
        let text = |text: &Option<String>| Value::from(text.clone().unwrap_or_default());
        result.outputs.insert("error_message".to_owned(), text(&result.error));
        result.outputs.insert("error_type".to_owned(), text(&result.error_type));
        self.complete(execution, result);
    }

    /// A node has failed for good: its frame ends.
    pub(super) fn end_failed(&mut self, execution: Execution, mut result: NodeResult) {
        result.status = NodeStatus::Failed;
        let frame = execution.frame;
        let is_container = self.compiled(execution.node).is_some_and(|node| node.built.container.is_some());
        self.account(frame, result.usage.as_ref(), is_container);
        self.describe(&execution, &mut result);
        let error = result.error.clone().unwrap_or_default();
        self.emit(RunEventKind::NodeFinished(execution.info, Box::new(result)));
        self.fail_frame(frame, &error);
        self.leave(frame);
    }

    /// Nothing new begins in a frame and those inside it; what runs may end.
    pub(super) fn fail_frame(&mut self, frame: FrameId, error: &str) {
        let Some(target) = self.frames.get_mut(&frame) else { return };
        if target.draining {
            return;
        }
        target.failure = Some(FrameFailure { error: error.to_owned() });
        if frame == TOP {
            self.arm(Instant::now() + self.limits.drain_time.min(FAR), Timer::Drain);
        }
        let inside = self.frames_inside(frame);
        for id in &inside {
            if let Some(frame) = self.frames.get_mut(id) {
                frame.draining = true;
            }
        }
        let (dropped, kept): (VecDeque<Entry>, _) =
            std::mem::take(&mut self.queue).into_iter().partition(|entry| inside.contains(&entry.frame));
        self.queue = kept;
        // Kept alive until all of its frames are looked at: the caller leaves it afterwards.
        if let Some(target) = self.frames.get_mut(&frame) {
            target.live += 1;
        }
        for entry in dropped {
            match entry.token {
                // Never started: it leaves without a trace.
                None => self.leave(entry.frame),
                Some(token) => self.give_up(token, error),
            }
        }
        self.give_up_waiting(&inside, error);
        if let Some(target) = self.frames.get_mut(&frame) {
            target.live = target.live.saturating_sub(1);
        }
    }

    /// Ends executions of some frames that wait for a retry or for something outside.
    fn give_up_waiting(&mut self, frames: &[FrameId], error: &str) {
        let waits = |execution: &Execution| {
            frames.contains(&execution.frame) && matches!(execution.phase, Phase::AwaitingRetry(_) | Phase::Paused)
        };
        let mut waiting: Vec<(u32, Token)> = self
            .executions
            .iter()
            .filter(|(_, execution)| waits(execution))
            .map(|(token, execution)| (execution.info.index, *token))
            .collect();
        waiting.sort_unstable();
        for (_, token) in waiting {
            self.give_up(token, error);
        }
    }

    /// Ends an execution that is not running, because its frame ends.
    pub(super) fn give_up(&mut self, token: Token, error: &str) {
        let Some(mut execution) = self.executions.remove(&token) else { return };
        match std::mem::replace(&mut execution.phase, Phase::Queued) {
            Phase::AwaitingRetry(failure) => {
                let result = failed(*failure, NodeStatus::Failed, execution.attempt, 0.0);
                self.end_failed(execution, result);
            }
            _ => self.end_stopped(execution, error),
        }
    }

    /// Ends an execution without a result, because what is around it ends.
    pub(super) fn end_stopped(&mut self, execution: Execution, reason: &str) {
        let failure = NodeFailure { error: reason.to_owned(), ..NodeFailure::default() };
        let elapsed = execution.attempt_started.elapsed().as_secs_f64();
        let mut result = failed(failure, NodeStatus::Stopped, execution.attempt, elapsed);
        result.error_type = None;
        self.describe(&execution, &mut result);
        let frame = execution.frame;
        self.emit(RunEventKind::NodeFinished(execution.info, Box::new(result)));
        self.leave(frame);
    }

    /// A frame and all frames inside it.
    pub(super) fn frames_inside(&self, frame: FrameId) -> Vec<FrameId> {
        let is_inside = |mut id: FrameId| {
            while id != frame {
                match self.frames.get(&id).and_then(|frame| frame.parent) {
                    Some((parent, _)) => id = parent,
                    None => return false,
                }
            }
            true
        };
        let mut inside: Vec<FrameId> = self.frames.keys().copied().filter(|id| is_inside(*id)).collect();
        inside.sort_unstable();
        inside
    }
}

/// By how much of itself a wait for the next attempt may be longer: what failed together is not repeated together.
const JITTER: f64 = 0.2;

/// A number from 0 to 1 that differs between executions and attempts, and is the same whenever one is replayed.
fn spread(id: ox_types::NodeRunId, attempt: u32) -> f64 {
    let hash =
        id.0.as_bytes()
            .iter()
            .copied()
            .chain(attempt.to_le_bytes())
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    // The high bits are the well mixed ones.
    f64::from(u32::try_from(hash >> 32).unwrap_or_default()) / f64::from(u32::MAX)
}

/// The result of a failed attempt.
pub(super) fn failed(failure: NodeFailure, status: NodeStatus, retries: u32, elapsed_seconds: f64) -> NodeResult {
    NodeResult {
        status,
        inputs: failure.inputs,
        process_data: failure.process_data,
        outputs: failure.outputs,
        error: Some(failure.error),
        error_type: Some(failure.error_type),
        handle: None,
        metadata: failure.metadata,
        usage: failure.usage,
        updates: Vec::new(),
        retries,
        elapsed_seconds,
    }
}
