//! What follows from the end of a node (engine reference §3.2).

use std::sync::Arc;

use indexmap::IndexMap;
use ox_dsl::graph::SOURCE_HANDLE;
use ox_types::{NodeStatus, Value};
use serde_json::json;

use super::{
    Token,
    core::{Core, Execution, Phase, TOP},
    frame::FrameId,
};
use crate::{
    Marker, NodeClass, NodeFailure, NodeOutput, Usage,
    event::{NodeResult, RunEventKind},
    state::NodeState,
};

impl Core {
    /// An attempt has ended.
    pub fn done(&mut self, token: Token, attempt: u32, result: Result<Box<NodeOutput>, Box<NodeFailure>>) {
        let Some(execution) = self.executions.get_mut(&token) else { return };
        if execution.attempt != attempt || !matches!(execution.phase, Phase::Running) {
            return;
        }
        execution.task = None;
        execution.cancel = None;
        self.running = self.running.saturating_sub(1);
        match result {
            Ok(output) => match output.pause {
                Some(reason) => {
                    let (frame, is_new) = (execution.frame, execution.answer.is_none());
                    execution.phase = Phase::Paused;
                    // What is around it ends: nobody needs to be asked.
                    if self.frames.get(&frame).is_none_or(|frame| frame.draining) {
                        let failure = self.frames.get(&frame).and_then(|frame| frame.failure.as_ref());
                        let error = failure.map(|failure| failure.error.clone()).or_else(|| self.top_error());
                        return self.give_up(token, &error.unwrap_or_default());
                    }
                    self.pausing.get_or_insert_default().push((Some(token), reason));
                    // One that was asked before, and still waits, holds nobody up.
                    if is_new {
                        self.hold_up(frame);
                    }
                }
                None => self.succeed(token, *output),
            },
            Err(failure) => self.fail(token, failure),
        }
    }

    fn succeed(&mut self, token: Token, output: NodeOutput) {
        let limit = self.limits.max_output_bytes;
        if let Some(size) = over_size(&output, limit) {
            let text = format!("Maximum node output size exceeded: {size} > {limit} bytes");
            return self.fail(token, NodeFailure::new("OutputSizeLimitError", text));
        }
        let Some(execution) = self.executions.remove(&token) else { return };
        let result = NodeResult {
            status: NodeStatus::Succeeded,
            inputs: output.inputs,
            process_data: output.process_data,
            outputs: output.outputs,
            error: None,
            error_type: None,
            handle: output.handle,
            metadata: output.metadata,
            usage: output.usage,
            updates: output.updates,
            retries: execution.attempt,
            elapsed_seconds: execution.attempt_started.elapsed().as_secs_f64(),
        };
        self.complete(execution, result);
    }

    /// Applies the result of a node after which the run goes on: a success, or a failure with a
    /// strategy.
    pub(super) fn complete(&mut self, execution: Execution, mut result: NodeResult) {
        let (frame, index) = (execution.frame, execution.node);
        let workflow = Arc::clone(&self.workflow);
        let Some(node) = workflow.node(index) else { return };
        if node.built.class == NodeClass::Branch && result.handle.is_none() {
            result.error = Some(format!("Branch node {} completed without selecting a branch", node.spec.id));
            result.error_type.get_or_insert_with(|| "ValueError".to_owned());
            return self.end_failed(execution, result);
        }
        self.account(frame, result.usage.as_ref(), node.built.container.is_some());
        if let Some(pool) = self.pool_mut(frame) {
            pool.set_all(&node.spec.id, result.outputs.iter().map(|(name, value)| (name.clone(), value.clone())));
        }
        for (selector, value) in &result.updates {
            self.write(frame, selector, value.clone());
        }
        self.describe(&execution, &mut result);
        self.settle(frame, index, result.handle.as_deref());
        if node.built.class == NodeClass::Response {
            self.merge_outputs(frame, &result.outputs);
        }
        if node.built.marker == Some(Marker::LoopEnd)
            && let Some(frame) = self.frames.get_mut(&frame)
        {
            frame.loop_end = true;
        }
        self.emit(RunEventKind::NodeFinished(execution.info, Box::new(result)));
        self.leave(frame);
    }

    /// Marks a node as done, shows what that makes visible, and follows its edges.
    pub(super) fn settle(&mut self, frame: FrameId, node: usize, handle: Option<&str>) {
        let Some(target) = self.frames.get_mut(&frame) else { return };
        target.state.set(node, NodeState::Taken);
        let draining = target.draining;
        self.coordinate(frame, |coordinator, view, shown| coordinator.node_finished(node, view, shown));
        if !draining {
            self.follow(frame, node, handle.unwrap_or(SOURCE_HANDLE));
        }
    }

    fn follow(&mut self, frame: FrameId, node: usize, handle: &str) {
        let workflow = Arc::clone(&self.workflow);
        let graph = &workflow.graph;
        let chooses = workflow.node(node).is_some_and(|node| node.is_branch);
        let is_taken = |edge: usize| !chooses || graph.edges.get(edge).is_some_and(|edge| edge.handle == handle);
        let mut ready = Vec::new();
        let mut skipped = false;
        if chooses {
            let Some(target) = self.frames.get_mut(&frame) else { return };
            for &edge in graph.outgoing(node).iter().filter(|&&edge| !is_taken(edge)) {
                skipped |= target.state.skip_edge(graph, edge, &mut ready);
            }
        }
        if skipped {
            self.coordinate(frame, |coordinator, view, shown| coordinator.flush(view, shown));
        }
        for &edge in graph.outgoing(node).iter().filter(|&&edge| is_taken(edge)) {
            if let Some(target) = self.frames.get_mut(&frame) {
                target.state.take_edge(graph, edge, &mut ready);
            }
            self.coordinate(frame, |coordinator, view, shown| coordinator.edge_taken(edge, view, shown));
        }
        for node in ready {
            self.enqueue(frame, node);
        }
    }

    /// One execution less in a frame; the last one ends it.
    pub(super) fn leave(&mut self, frame: FrameId) {
        let Some(target) = self.frames.get_mut(&frame) else { return };
        target.live = target.live.saturating_sub(1);
        if target.live == 0 && frame != TOP {
            self.frame_done(frame);
        }
    }

    /// Counts usage; that of a container has been counted with its children.
    pub(super) fn account(&mut self, frame: FrameId, usage: Option<&Usage>, is_container: bool) {
        let Some(usage) = usage else { return };
        if !is_container {
            self.usage.add(usage);
        }
        if let Some(frame) = self.frames.get_mut(&frame) {
            frame.usage.add(usage);
        }
    }

    /// Completes the metadata of a result by usage and place.
    pub(super) fn describe(&self, execution: &Execution, result: &mut NodeResult) {
        result.tell_usage();
        let Some((container, index)) = execution.info.frame.path.last() else { return };
        let key = if execution.info.loop_id.is_some() { "loop" } else { "iteration" };
        result.metadata.insert(format!("{key}_id"), json!(container));
        result.metadata.insert(format!("{key}_index"), json!(index));
    }
}

/// The size of what a node gives, if it is over the limit.
fn over_size(output: &NodeOutput, limit: usize) -> Option<usize> {
    let size = fields_size(&output.outputs) + output.updates.iter().map(|(_, value)| size(value)).sum::<usize>();
    (size > limit).then_some(size)
}

fn fields_size(fields: &IndexMap<String, Value>) -> usize {
    fields.iter().map(|(key, value)| key.len() + size(value)).sum()
}

fn size(value: &Value) -> usize {
    match value {
        Value::String(text) | Value::Secret(text) => text.len(),
        Value::Array(_, items) => items.iter().map(size).sum::<usize>() + items.len() * 8,
        Value::Object(fields) => fields_size(fields),
        Value::File(_) => 256,
        Value::None | Value::Bool(_) | Value::Int(_) | Value::Float(_) => 8,
    }
}
