//! Containers: frames for the items of an iteration and the rounds of a loop (engine reference §8).

use std::{collections::BTreeMap, sync::Arc};

use indexmap::IndexMap;
use ox_types::{Json, NodeStatus, Value};
use serde_json::json;

use super::{
    Token,
    core::{Core, Execution, Phase},
    frame::{Frame, FrameId, Held},
};
use crate::{
    ContainerPlan, ItemError, IterationPlan, LoopPlan, NodeFailure, Pool, Usage,
    event::{NodeResult, RunEventKind},
};

/// How far a container is.
pub(super) struct Progress {
    /// Whether its beginning has been told (an empty iteration tells nothing).
    told: bool,
    inputs: IndexMap<String, Value>,
    usage: Usage,
    durations: BTreeMap<u32, f64>,
    error: Option<String>,
    kind: Kind,
}

enum Kind {
    Iteration(Items),
    Loop(Rounds),
}

struct Items {
    items: Value,
    results: Vec<ItemResult>,
    /// The next item to start; all before have been started.
    next: usize,
    active: usize,
    /// The first item that has not ended: what it shows is seen at once, later ones wait for it.
    head: usize,
    frames: BTreeMap<usize, FrameId>,
    /// What ended items behind the head have to show.
    held: BTreeMap<usize, (Vec<Held>, usize)>,
    /// Conversation variables that parallel items wrote, to be written back in item order.
    written: BTreeMap<usize, IndexMap<String, Value>>,
}

#[derive(Clone)]
enum ItemResult {
    Open,
    Value(Value),
    Removed,
}

struct Rounds {
    completed: u32,
    labels: Vec<String>,
    variables: BTreeMap<u32, Json>,
    reason: &'static str,
}

impl Core {
    /// Begins a container that was taken from the queue.
    pub(super) fn start_container(&mut self, token: Token) {
        let workflow = Arc::clone(&self.workflow);
        let Some(execution) = self.executions.get(&token) else { return };
        let frame = execution.frame;
        let Some(node) = workflow.node(execution.node) else { return };
        let depth = self.frames.get(&frame).map_or(0, Frame::depth) + 1;
        let started = if depth > self.limits.max_frame_depth {
            let limit = self.limits.max_frame_depth;
            let text = format!("Maximum container nesting depth exceeded: {depth} > {limit}");
            Err(NodeFailure::new("NestingDepthLimitError", text))
        } else {
            match &node.built.container {
                Some(ContainerPlan::Iteration(plan)) => self.start_iteration(token, frame, plan),
                Some(ContainerPlan::Loop(plan)) => self.start_loop(token, frame, &node.spec.id, plan),
                None => Ok(()),
            }
        };
        if let Err(failure) = started {
            self.fail_container(token, *failure);
        }
    }

    /// A container has failed before its first frame.
    fn fail_container(&mut self, token: Token, failure: NodeFailure) {
        if self.is_deferred(token) {
            return;
        }
        self.exceptions += 1;
        if let Some(execution) = self.executions.remove(&token) {
            self.conclude(execution, failure);
        }
    }

    fn start_iteration(&mut self, token: Token, frame: FrameId, plan: &IterationPlan) -> Result<(), Box<NodeFailure>> {
        let list = self.pool(frame).and_then(|pool| pool.get(&plan.items));
        let Some(list) = list else {
            let text = format!("iterator variable {} not found", python_list(&plan.items));
            return Err(NodeFailure::new("IteratorVariableNotFoundError", text));
        };
        let (items, length) = match &list {
            Value::None => (Value::array(Vec::new()), 0),
            Value::Array(_, items) => (list.clone(), items.len()),
            other => {
                let text = format!("invalid iterator value: {}, please provide a list.", ox_types::python_str(other));
                return Err(NodeFailure::new("InvalidIteratorValueError", text));
            }
        };
        let limit = self.limits.max_items;
        if length > limit {
            let text = format!("Maximum iteration length exceeded: {length} > {limit}");
            return Err(NodeFailure::new("IterationLengthLimitError", text));
        }
        let inputs = IndexMap::from([("iterator_selector".to_owned(), items.clone())]);
        let kind = Kind::Iteration(Items {
            items,
            results: vec![ItemResult::Open; length],
            next: 0,
            active: 0,
            head: 0,
            frames: BTreeMap::new(),
            held: BTreeMap::new(),
            written: BTreeMap::new(),
        });
        self.tell_container(token, inputs, kind, length)?;
        if length == 0 {
            self.finish_container(token);
        } else {
            self.start_items(token);
        }
        Ok(())
    }

    fn tell_container(
        &mut self,
        token: Token,
        inputs: IndexMap<String, Value>,
        kind: Kind,
        length: usize,
    ) -> Result<(), Box<NodeFailure>> {
        let Some(execution) = self.executions.get_mut(&token) else { return Ok(()) };
        // Compat: an iteration over nothing shows no container events.
        let told = length > 0;
        let progress = Progress {
            told,
            inputs: inputs.clone(),
            usage: Usage::default(),
            durations: BTreeMap::new(),
            error: None,
            kind,
        };
        execution.phase = Phase::Container(Box::new(progress));
        let node = execution.info.clone();
        if told {
            let length = u32::try_from(length).ok();
            self.emit(RunEventKind::ContainerStarted { node, inputs, length });
        }
        Ok(())
    }

    /// Starts as many items as may run at the same time.
    fn start_items(&mut self, token: Token) {
        let workflow = Arc::clone(&self.workflow);
        loop {
            let Some(execution) = self.executions.get_mut(&token) else { return };
            let (frame, info) = (execution.frame, execution.info.clone());
            let Phase::Container(progress) = &mut execution.phase else { return };
            let Some(node) = workflow.node(execution.node) else { return };
            let Some(ContainerPlan::Iteration(plan)) = &node.built.container else { return };
            let stops = progress.error.is_some() || self.frames.get(&frame).is_none_or(|frame| frame.draining);
            let Kind::Iteration(items) = &mut progress.kind else { return };
            let capacity = plan.parallel.clamp(1, self.limits.max_parallel_items.max(1));
            if stops || items.active >= capacity || items.next >= items.results.len() {
                return;
            }
            let index = items.next;
            items.next += 1;
            items.active += 1;
            let shows = index == items.head;
            let item = items.items.as_array().and_then(|items| items.get(index)).cloned().unwrap_or_default();
            let number = u32::try_from(index).unwrap_or(u32::MAX);
            self.emit(RunEventKind::ContainerNext { node: info.clone(), index: number, outputs: None });
            let Some((root, _)) = &node.inner else { return };
            let Some(mut pool) = self.pool(frame).cloned() else { return };
            pool.set(&node.spec.id, "item", item);
            pool.set(&node.spec.id, "index", i64::from(number));
            let mut child = Frame::new(&workflow.layout_of(*root), info.frame.child(&node.spec.id, number), Some(pool));
            child.iteration_id = Some(node.spec.id.clone());
            child.held = (!shows).then(Vec::new);
            let id = self.open_frame(child, frame, token);
            if let Some(Execution { phase: Phase::Container(progress), .. }) = self.executions.get_mut(&token)
                && let Kind::Iteration(items) = &mut progress.kind
            {
                items.frames.insert(index, id);
            }
        }
    }

    fn open_frame(&mut self, mut child: Frame, parent: FrameId, token: Token) -> FrameId {
        child.parent = Some((parent, token));
        child.draining = self.frames.get(&parent).is_some_and(|frame| frame.draining);
        let id = self.next_id();
        self.frames.insert(id, child);
        self.enqueue_root(id);
        id
    }

    fn start_loop(&mut self, token: Token, frame: FrameId, id: &str, plan: &LoopPlan) -> Result<(), Box<NodeFailure>> {
        let Some(pool) = self.pool_mut(frame) else { return Ok(()) };
        let variables = plan.logic.variables(pool)?;
        pool.remove_node(id);
        pool.set_all(id, variables.iter().map(|(label, value)| (label.clone(), value.clone())));
        // Before the first round a condition may name what does not exist yet.
        let breaks = plan.logic.should_break(pool).unwrap_or(false);
        let labels: Vec<String> = variables.keys().cloned().collect();
        let reason = if breaks { "loop_break" } else { "loop_completed" };
        let kind = Kind::Loop(Rounds { completed: 0, labels, variables: BTreeMap::new(), reason });
        self.tell_container(token, variables, kind, plan.count.max(1) as usize)?;
        if breaks || plan.count == 0 {
            self.finish_container(token);
        } else {
            self.start_round(token);
        }
        Ok(())
    }

    fn start_round(&mut self, token: Token) {
        let workflow = Arc::clone(&self.workflow);
        let Some(execution) = self.executions.get(&token) else { return };
        let (frame, path) = (execution.frame, execution.info.frame.clone());
        let Phase::Container(progress) = &execution.phase else { return };
        let Kind::Loop(rounds) = &progress.kind else { return };
        let round = rounds.completed;
        let Some(node) = workflow.node(execution.node) else { return };
        let Some((root, inner)) = &node.inner else { return };
        if let Some(pool) = self.pool_mut(frame) {
            for inner in inner.iter().filter_map(|inner| workflow.node(*inner)) {
                pool.remove_node(&inner.spec.id);
            }
        }
        let mut child = Frame::new(&workflow.layout_of(*root), path.child(&node.spec.id, round), None);
        child.loop_id = Some(node.spec.id.clone());
        self.open_frame(child, frame, token);
    }

    /// All executions of a container's frame have ended.
    pub(super) fn frame_done(&mut self, id: FrameId) {
        let Some(frame) = self.frames.remove(&id) else { return };
        self.held_bytes = self.held_bytes.saturating_sub(frame.coordinator.buffered());
        let Some((_, token)) = frame.parent else { return };
        let Some(execution) = self.executions.get_mut(&token) else { return };
        let Phase::Container(progress) = &mut execution.phase else { return };
        let index = frame.path.path.last().map_or(0, |(_, index)| *index);
        progress.usage.add(&frame.usage);
        progress.durations.insert(index, frame.started.elapsed().as_secs_f64());
        match progress.kind {
            Kind::Iteration(_) => self.item_done(token, index as usize, frame),
            Kind::Loop(_) => self.round_done(token, &frame),
        }
    }

    fn item_done(&mut self, token: Token, index: usize, mut frame: Frame) {
        let workflow = Arc::clone(&self.workflow);
        let Some(execution) = self.executions.get_mut(&token) else { return };
        let around = execution.frame;
        let Some(node) = workflow.node(execution.node) else { return };
        let Some(ContainerPlan::Iteration(plan)) = &node.built.container else { return };
        let Phase::Container(progress) = &mut execution.phase else { return };
        let Kind::Iteration(items) = &mut progress.kind else { return };
        items.active = items.active.saturating_sub(1);
        items.frames.remove(&index);
        let result = match (&frame.failure, plan.on_error) {
            (None, _) => {
                let value = frame.pool.as_ref().and_then(|pool| pool.get(&plan.output));
                ItemResult::Value(value.unwrap_or_default())
            }
            (Some(failure), ItemError::Terminated) => {
                progress.error.get_or_insert_with(|| failure.error.clone());
                ItemResult::Open
            }
            (Some(_), ItemError::ContinueOnError) => ItemResult::Value(Value::None),
            (Some(_), ItemError::RemoveAbnormalOutput) => ItemResult::Removed,
        };
        if let Some(slot) = items.results.get_mut(index) {
            *slot = result;
        }
        if let Some(held) = frame.held.take() {
            items.held.insert(index, (held, frame.held_bytes));
        }
        let written = std::mem::take(&mut frame.written);
        if plan.parallel > 1 {
            items.written.insert(index, written);
        } else {
            self.write_back(around, written);
        }
        self.advance_head(token, around);
        self.start_items(token);
        let idle = matches!(self.executions.get(&token), Some(Execution { phase: Phase::Container(progress), .. })
            if matches!(&progress.kind, Kind::Iteration(items) if items.active == 0));
        if idle {
            self.finish_container(token);
        }
    }

    fn write_back(&mut self, frame: FrameId, written: IndexMap<String, Value>) {
        for (name, value) in written {
            self.write(frame, &["conversation".to_owned(), name], value);
        }
    }

    /// Writes back what parallel items have written, in item order.
    fn write_back_items(&mut self, token: Token) {
        let Some(Execution { frame, phase: Phase::Container(progress), .. }) = self.executions.get_mut(&token) else {
            return;
        };
        let Kind::Iteration(items) = &mut progress.kind else { return };
        let (frame, written) = (*frame, std::mem::take(&mut items.written));
        for variables in written.into_values() {
            self.write_back(frame, variables);
        }
    }

    /// Lets the first unfinished item show what it has, and what finished items before it have kept.
    fn advance_head(&mut self, token: Token, around: FrameId) {
        loop {
            let Some(Execution { phase: Phase::Container(progress), .. }) = self.executions.get_mut(&token) else {
                return;
            };
            let Kind::Iteration(items) = &mut progress.kind else { return };
            let head = items.head;
            if let Some((held, bytes)) = items.held.remove(&head) {
                self.release(around, held, bytes);
                continue;
            }
            if let Some(frame) = items.frames.get(&head) {
                let kept = self.frames.get_mut(frame).and_then(|frame| {
                    let bytes = std::mem::take(&mut frame.held_bytes);
                    frame.held.take().map(|held| (held, bytes))
                });
                if let Some((held, bytes)) = kept {
                    self.release(around, held, bytes);
                }
                return;
            }
            if head >= items.next {
                return;
            }
            items.head += 1;
        }
    }

    fn round_done(&mut self, token: Token, frame: &Frame) {
        let workflow = Arc::clone(&self.workflow);
        let Some(execution) = self.executions.get_mut(&token) else { return };
        let (around, info) = (execution.frame, execution.info.clone());
        let Some(node) = workflow.node(execution.node) else { return };
        let Some(ContainerPlan::Loop(plan)) = &node.built.container else { return };
        let pool = self.pool(around).cloned().unwrap_or_default();
        let Some(Execution { phase: Phase::Container(progress), .. }) = self.executions.get_mut(&token) else { return };
        let Kind::Loop(rounds) = &mut progress.kind else { return };
        if let Some(failure) = &frame.failure {
            progress.error = Some(failure.error.clone());
            return self.finish_container(token);
        }
        if frame.draining {
            return self.finish_container(token);
        }
        let variables = loop_variables(&pool, &node.spec.id, &rounds.labels);
        let snapshot = variables.iter().map(|(label, value)| (label.clone(), value.to_json())).collect();
        rounds.variables.insert(rounds.completed, Json::Object(snapshot));
        rounds.completed += 1;
        let completed = rounds.completed;
        let breaks = if frame.loop_end { Ok(true) } else { plan.logic.should_break(&pool) };
        match breaks {
            Err(failure) => progress.error = Some(failure.error),
            Ok(true) => rounds.reason = "loop_break",
            Ok(false) if completed >= plan.count => {}
            Ok(false) => {
                let mut outputs = variables;
                outputs.insert("loop_round".to_owned(), Value::Int(completed.into()));
                self.emit(RunEventKind::ContainerNext { node: info, index: completed, outputs: Some(outputs) });
                return self.start_round(token);
            }
        }
        self.finish_container(token);
    }

    /// All frames of a container have ended, and no more begin.
    pub(super) fn finish_container(&mut self, token: Token) {
        self.write_back_items(token);
        if self.is_deferred(token) {
            return;
        }
        let workflow = Arc::clone(&self.workflow);
        let Some(mut execution) = self.executions.remove(&token) else { return };
        let Phase::Container(progress) = std::mem::replace(&mut execution.phase, Phase::Queued) else { return };
        let frame = execution.frame;
        let Some(node) = workflow.node(execution.node) else { return };
        let stopping = self.frames.get(&frame).is_none_or(|frame| frame.draining);
        let (mut result, steps) = match &node.built.container {
            Some(ContainerPlan::Iteration(plan)) => iteration_result(&progress, plan),
            Some(ContainerPlan::Loop(plan)) => {
                let pool = self.pool(frame).cloned().unwrap_or_default();
                loop_result(&progress, plan, &pool, &node.spec.id)
            }
            None => return,
        };
        result.elapsed_seconds = execution.attempt_started.elapsed().as_secs_f64();
        result.tell_usage();
        if stopping {
            let around = self.frames.get(&frame).and_then(|frame| frame.failure.clone());
            result.status = NodeStatus::Stopped;
            result.error = around.map(|failure| failure.error).or_else(|| self.top_error());
            result.error_type = None;
        }
        if progress.told {
            let node = execution.info.clone();
            self.emit(RunEventKind::ContainerFinished { node, result: Box::new(result.clone()), steps });
        }
        match result.status {
            NodeStatus::Succeeded => self.complete(execution, result),
            NodeStatus::Stopped => {
                let reason = result.error.unwrap_or_default();
                self.end_stopped(execution, &reason);
            }
            _ => {
                self.exceptions += 1;
                let failure = NodeFailure {
                    error: result.error.unwrap_or_default(),
                    error_type: result.error_type.unwrap_or_default(),
                    inputs: result.inputs,
                    outputs: result.outputs,
                    metadata: result.metadata,
                    usage: result.usage,
                    ..NodeFailure::default()
                };
                self.conclude(execution, failure);
            }
        }
    }

    /// Tells the end of a container that is stopped where it is.
    pub(super) fn tell_stopped_container(&mut self, execution: &mut Execution, reason: &str) {
        let Phase::Container(progress) = std::mem::replace(&mut execution.phase, Phase::Queued) else { return };
        if !progress.told {
            return;
        }
        let mut result = progress.result(NodeStatus::Stopped);
        result.error = Some(reason.to_owned());
        result.elapsed_seconds = execution.attempt_started.elapsed().as_secs_f64();
        result.tell_usage();
        let steps = match &progress.kind {
            Kind::Iteration(items) => u32::try_from(items.results.len()).unwrap_or(u32::MAX),
            Kind::Loop(rounds) => rounds.completed,
        };
        let node = execution.info.clone();
        self.emit(RunEventKind::ContainerFinished { node, result: Box::new(result), steps });
    }
}

impl Progress {
    /// The error of the first item or round that failed for good.
    pub(super) fn error(&self) -> Option<&str> {
        self.error.as_deref()
    }

    fn result(&self, status: NodeStatus) -> NodeResult {
        NodeResult {
            status,
            inputs: self.inputs.clone(),
            process_data: IndexMap::new(),
            outputs: IndexMap::new(),
            error: self.error.clone(),
            error_type: None,
            handle: None,
            metadata: BTreeMap::new(),
            usage: Some(self.usage.clone()),
            updates: Vec::new(),
            retries: 0,
            elapsed_seconds: 0.0,
        }
    }

    fn durations(&self) -> Json {
        Json::Object(self.durations.iter().map(|(index, seconds)| (index.to_string(), json!(seconds))).collect())
    }
}

fn iteration_result(progress: &Progress, plan: &IterationPlan) -> (NodeResult, u32) {
    let mut result = progress.result(NodeStatus::Succeeded);
    let Kind::Iteration(items) = &progress.kind else { return (result, 0) };
    let values: Vec<Value> = items
        .results
        .iter()
        .filter_map(|result| match result {
            ItemResult::Value(value) => Some(value.clone()),
            ItemResult::Open | ItemResult::Removed => None,
        })
        .collect();
    let output = match (&items.items, values.is_empty()) {
        (Value::Array(kind, empty), true) if empty.is_empty() => Value::array_of(*kind, Vec::new()),
        _ if plan.flatten => flatten(values),
        _ => Value::array(values),
    };
    result.outputs.insert("output".to_owned(), output);
    result.metadata.insert("iteration_duration_map".to_owned(), progress.durations());
    if progress.error.is_some() {
        result.status = NodeStatus::Failed;
        result.error_type = Some("IterationNodeError".to_owned());
    }
    (result, u32::try_from(items.results.len()).unwrap_or(u32::MAX))
}

/// Concatenates the results when every one that is not null is a list, and there is one.
fn flatten(values: Vec<Value>) -> Value {
    let mut lists = values.iter().filter(|value| !value.is_none()).peekable();
    if lists.peek().is_none() || !lists.all(|value| value.as_array().is_some()) {
        return Value::array(values);
    }
    Value::array(values.iter().filter_map(Value::as_array).flatten().cloned().collect())
}

fn loop_result(progress: &Progress, plan: &LoopPlan, pool: &Pool, id: &str) -> (NodeResult, u32) {
    let mut result = progress.result(NodeStatus::Succeeded);
    let Kind::Loop(rounds) = &progress.kind else { return (result, 0) };
    result.outputs = loop_variables(pool, id, &rounds.labels);
    result.outputs.insert("loop_round".to_owned(), Value::Int(rounds.completed.into()));
    result.metadata.insert("loop_duration_map".to_owned(), progress.durations());
    let variables = rounds.variables.iter().map(|(round, variables)| (round.to_string(), variables.clone()));
    result.metadata.insert("loop_variable_map".to_owned(), Json::Object(variables.collect()));
    if progress.error.is_some() {
        result.status = NodeStatus::Failed;
        result.error_type = Some("LoopNodeError".to_owned());
    } else {
        result.metadata.insert("completed_reason".to_owned(), json!(rounds.reason));
    }
    (result, plan.count)
}

fn loop_variables(pool: &Pool, id: &str, labels: &[String]) -> IndexMap<String, Value> {
    labels.iter().map(|label| (label.clone(), pool.get(&[id, label]).unwrap_or_default())).collect()
}

fn python_list(parts: &[String]) -> String {
    ox_types::python_repr(&Value::array(parts.iter().map(|part| Value::from(part.as_str())).collect()))
}
