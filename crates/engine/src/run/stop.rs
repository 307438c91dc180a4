//! The end of a run, and timers.

use std::cmp::Reverse;

use ox_types::RunStatus;
use serde_json::json;
use tokio::time::Instant;

use super::{
    Token,
    core::{Core, Entry, Execution, Hold, Phase, TOP, Timer},
    frame::{FrameFailure, FrameId},
};
use crate::{NodeFailure, PauseReason, RunEventKind, RunOutcome, StopCause};

impl Core {
    /// Stops the run where it is: nothing goes on, everything that was running is told as stopped.
    pub fn abort(&mut self, cause: StopCause, reason: &str) {
        if self.end.is_some() {
            return;
        }
        self.stopped = Some((cause, reason.to_owned()));
        self.stop_executions(reason);
        self.finish();
    }

    /// Nothing new begins; the run is paused when what runs has ended.
    pub fn pause(&mut self, message: &str) {
        if self.end.is_none() {
            let reason = json!({"type": "scheduled_pause", "message": message});
            self.pausing.get_or_insert_default().push((None, reason));
            self.hold.get_or_insert_default().everywhere = true;
        }
    }

    /// A node of a frame pauses, and the run soon with it. What is ready at this moment begins all the same, and items
    /// beside the one that waits go on, so that everything that can be asked is asked at once (upstream it depends on
    /// the number of workers).
    pub(super) fn hold_up(&mut self, frame: FrameId) {
        let ready: Vec<bool> = self.queue.iter().map(|entry| self.may_begin(entry)).collect();
        for (entry, is_ready) in self.queue.iter_mut().zip(ready) {
            entry.before_pause |= is_ready;
        }
        let hold = self.hold.get_or_insert_default();
        let mut at = Some(frame);
        while let Some(id) = at {
            hold.frames.insert(id);
            let parent = self.frames.get(&id).and_then(|frame| frame.parent);
            hold.containers.extend(parent.map(|(_, container)| container));
            at = parent.map(|(around, _)| around);
        }
    }

    /// Whether a node of the ready queue may begin now.
    pub(super) fn may_begin(&self, entry: &Entry) -> bool {
        let Some(hold) = &self.hold else { return true };
        entry.token.is_some() || entry.before_pause || self.is_beside(hold, entry.frame)
    }

    /// Whether a frame is, or is inside of, an item beside one in which a node has paused.
    fn is_beside(&self, hold: &Hold, mut frame: FrameId) -> bool {
        if hold.everywhere {
            return false;
        }
        while let Some((around, container)) = self.frames.get(&frame).and_then(|frame| frame.parent) {
            if !hold.frames.contains(&frame) && hold.containers.contains(&container) {
                return true;
            }
            frame = around;
        }
        false
    }

    /// Forgets pauses of executions that have ended meanwhile, with what was around them.
    fn forget_ended_pauses(&mut self) {
        let Some(pausing) = &mut self.pausing else { return };
        pausing.retain(|(token, _)| token.is_none_or(|token| self.executions.contains_key(&token)));
        if pausing.is_empty() {
            self.pausing = None;
            self.hold = None;
        }
    }

    /// Ends what waits in items of an iteration that fails by another item: no answer would change anything. False when
    /// there is no such thing.
    fn give_up_vain_waits(&mut self) -> bool {
        let vain: Vec<(Token, String)> = self
            .executions
            .iter()
            .filter(|(_, execution)| matches!(execution.phase, Phase::Paused))
            .filter_map(|(token, execution)| Some((*token, self.failure_around(execution.frame)?.to_owned())))
            .collect();
        for (token, error) in &vain {
            self.give_up(*token, error);
        }
        !vain.is_empty()
    }

    /// The error by which a container around a frame is going to end.
    fn failure_around(&self, mut frame: FrameId) -> Option<&str> {
        loop {
            let (around, container) = self.frames.get(&frame)?.parent?;
            if let Some(Execution { phase: Phase::Container(progress), .. }) = self.executions.get(&container)
                && let Some(error) = progress.error()
            {
                return Some(error);
            }
            frame = around;
        }
    }

    /// Gives the run up without an end.
    pub fn abandon(&mut self, error: Option<String>) {
        if self.end.is_none() {
            self.drop_work();
            self.end = Some(RunOutcome { error, ..self.outcome_so_far(RunStatus::Running) });
        }
    }

    /// Ends the run when nothing is left to do.
    pub(super) fn check_end(&mut self) {
        if self.end.is_some() {
            return;
        }
        self.forget_ended_pauses();
        if self.frames.get(&TOP).is_none_or(|top| top.live == 0) {
            self.finish();
            return;
        }
        let goes_on =
            |execution: &Execution| matches!(execution.phase, Phase::Running | Phase::Queued | Phase::AwaitingRetry(_));
        if self.executions.values().any(goes_on) {
            return;
        }
        if self.pausing.is_some() && (self.queue.iter().any(|entry| self.may_begin(entry)) || self.give_up_vain_waits())
        {
            return;
        }
        if let Some(reasons) = &self.pausing {
            let info = |token: &Token| self.executions.get(token).map(|execution| execution.info.clone());
            let reasons = reasons
                .iter()
                .map(|(token, data)| PauseReason { node: token.as_ref().and_then(info), data: data.clone() });
            let (reasons, outcome) = (reasons.collect(), self.outcome_so_far(RunStatus::Paused));
            self.emit(RunEventKind::RunPaused { reasons, outcome: Box::new(outcome.clone()) });
            self.end = Some(outcome);
            self.drop_work();
        } else if self.queue.is_empty() {
            // Must not happen; a run that hangs would be worse than one that fails.
            let error = "internal error: the run has nothing to do and is not at its end";
            tracing::error!(run_id = %self.info.run_id, error);
            if let Some(top) = self.frames.get_mut(&TOP) {
                top.failure.get_or_insert_with(|| FrameFailure { error: error.to_owned() });
            }
            self.end_failed_run(error);
        }
    }

    fn finish(&mut self) {
        let failure = self.top_error();
        let mut outcome = self.outcome_so_far(RunStatus::Succeeded);
        if let Some((cause, reason)) = self.stopped.take() {
            outcome.status = RunStatus::Stopped;
            outcome.stopped_by = Some(cause);
            outcome.error = Some(reason);
        } else if failure.is_some() {
            outcome.status = RunStatus::Failed;
            outcome.error = failure;
        } else if self.exceptions > 0 {
            outcome.status = RunStatus::PartialSucceeded;
        }
        self.emit(RunEventKind::RunFinished(Box::new(outcome.clone())));
        self.end = Some(outcome);
        self.drop_work();
    }

    /// Ends a run that has failed, whatever is still running.
    pub(super) fn end_failed_run(&mut self, error: &str) {
        self.stop_executions(error);
        self.finish();
    }

    fn outcome_so_far(&self, status: RunStatus) -> RunOutcome {
        RunOutcome {
            outputs: self.outputs.clone(),
            exceptions_count: self.exceptions,
            total_steps: self.top_steps,
            usage: self.usage.clone(),
            elapsed_seconds: self.elapsed(),
            ..RunOutcome::new(status)
        }
    }

    /// The error of the node that failed the run.
    pub(super) fn top_error(&self) -> Option<String> {
        self.frames.get(&TOP)?.failure.as_ref().map(|failure| failure.error.clone())
    }

    /// Cancels what runs; dropping the executions ends their tasks.
    fn drop_work(&mut self) {
        self.cancel.cancel();
        self.executions.clear();
        self.queue.clear();
        self.timers.clear();
        self.running = 0;
    }

    /// Tells of everything that has started that it is stopped, innermost first.
    fn stop_executions(&mut self, reason: &str) {
        self.cancel.cancel();
        self.queue.clear();
        self.running = 0;
        // Their frames must not go on when they become empty.
        for frame in self.frames.values_mut() {
            frame.draining = true;
            frame.live = usize::MAX / 2;
        }
        let mut open: Vec<(u32, Token)> =
            self.executions.iter().map(|(token, execution)| (execution.info.index, *token)).collect();
        open.sort_unstable_by_key(|(index, _)| Reverse(*index));
        for (_, token) in open {
            let Some(mut execution) = self.executions.remove(&token) else { continue };
            if matches!(execution.phase, Phase::Container(_)) {
                self.tell_stopped_container(&mut execution, reason);
            }
            self.end_stopped(execution, reason);
        }
    }

    /// Handles every timer that is due.
    pub fn fire(&mut self, now: Instant) {
        while let Some(Reverse((at, ..))) = self.timers.peek() {
            if *at > now || self.end.is_some() {
                return;
            }
            let Some(Reverse((_, _, timer))) = self.timers.pop() else { return };
            match timer {
                Timer::Retry(token, attempt) => self.retry(token, attempt),
                Timer::NodeTimeout(token, attempt) => self.time_out(token, attempt),
                Timer::RunTime => {
                    let limit = self.limits.max_time.as_secs_f64();
                    let reason = format!("Maximum execution time exceeded: {:.2}s > {limit}s", self.elapsed());
                    self.abort(StopCause::Limit, &reason);
                }
                Timer::Drain => {
                    // The run has failed already; what does not end by itself is ended.
                    let error = self.top_error().unwrap_or_default();
                    self.end_failed_run(&error);
                }
            }
        }
    }

    fn time_out(&mut self, token: Token, attempt: u32) {
        let Some(execution) = self.executions.get_mut(&token) else { return };
        if execution.attempt != attempt || !matches!(execution.phase, Phase::Running) {
            return;
        }
        if let Some(cancel) = execution.cancel.take() {
            cancel.cancel();
        }
        execution.task = None;
        let seconds = execution.attempt_started.elapsed().as_secs_f64();
        self.running = self.running.saturating_sub(1);
        let text = format!("Node execution time exceeded: {seconds:.2}s");
        self.fail(token, NodeFailure::new("NodeTimeoutError", text));
    }

    /// Runs an execution again that was interrupted.
    pub(super) fn requeue(&mut self, token: Token) {
        if let Some(execution) = self.executions.get_mut(&token) {
            execution.phase = Phase::Queued;
            let (frame, node) = (execution.frame, execution.node);
            self.queue.push_back(Entry { frame, node, token: Some(token), before_pause: false });
        }
    }
}
