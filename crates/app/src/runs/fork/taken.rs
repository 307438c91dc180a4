//! Which executions a fork takes over from its parent.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use ox_db::model::{NodeExecution, WorkflowRun};
use ox_dsl::graph::{Graph, NodeSpec};
use ox_engine::FrameRef;
use ox_types::{Json, NodeRunId, NodeStatus, Value};
use serde_json::json;

use super::{Place, TAKEN_FROM, put_output};
use crate::runs::{
    event::{JsonText, NodeDone, NodeFacts, NodeView, StreamBody},
    recovery,
};

/// What is taken over.
pub struct Taken {
    /// Executions that had ended, in the order of their ends.
    pub finished: Vec<NodeExecution>,
    /// Containers that are run again with some of what is in them taken over, in the order of their starts.
    pub opened: Vec<NodeExecution>,
}

impl Taken {
    /// What a fork at some executions keeps of its parent, so that it fits the graph that the fork runs. `before` is
    /// the graph that the parent ran.
    pub fn new(graph: &Graph, before: &Graph, executions: Vec<NodeExecution>, points: &HashSet<Place>) -> Self {
        let mut all: HashMap<Place, NodeExecution> =
            executions.into_iter().map(|node| ((recovery::frame_of(&node), node.node_id.clone()), node)).collect();
        let ran: HashSet<Place> = all.keys().cloned().collect();
        let dropped = dropped(graph, &ran, points);
        all.retain(|place, node| {
            let is_over = matches!(node.status, NodeStatus::Succeeded | NodeStatus::Exception);
            is_over && node.finish_seq.is_some() && !dropped.whole.contains(place)
        });
        let mut opened = Vec::new();
        let open: Vec<Place> = all.keys().filter(|place| dropped.opened.contains(*place)).cloned().collect();
        for place in open {
            opened.extend(all.remove(&place));
        }
        drop_unfit(graph, &mut all, &|place| before.node(&place.1).is_none() || ran.contains(place));
        // A container without anything left in it begins anew.
        opened.retain(|node| {
            let frame = recovery::frame_of(node);
            all.keys().any(|(inner, _)| is_in(inner, &frame, &node.node_id))
        });
        drop_homeless(&mut all, &opened);
        let mut finished: Vec<NodeExecution> = all.into_values().collect();
        finished.sort_by_key(|node| node.finish_seq);
        opened.sort_by_key(|node| node.index);
        Self { finished, opened }
    }

    /// Changes a value that a taken execution gave.
    pub fn put(&mut self, selector: &[String], value: &Value) {
        let Some(source) = selector.first() else { return };
        for node in self.finished.iter_mut().filter(|node| node.frame.is_none() && node.node_id == *source) {
            put_output(node, selector, value);
        }
    }

    /// The executions as rows of the fork, in the order of their starts.
    pub fn rows(&self, run: &WorkflowRun) -> Vec<NodeExecution> {
        let ended = self.finished.iter().zip(1..).map(|(node, number)| (node, Some(number)));
        let mut rows: Vec<NodeExecution> = ended
            .chain(self.opened.iter().map(|node| (node, None)))
            .map(|(node, finish_seq)| row(node, run, finish_seq))
            .collect();
        rows.sort_by_key(|row| row.index);
        for (row, index) in rows.iter_mut().zip(1..) {
            row.index = index;
        }
        // The record is applied in the order of the ends.
        rows.sort_by_key(|row| row.finish_seq.unwrap_or(i32::MAX));
        rows
    }
}

fn row(node: &NodeExecution, run: &WorkflowRun, finish_seq: Option<i32>) -> NodeExecution {
    let mut metadata: Json =
        node.execution_metadata.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    if !metadata.is_object() {
        metadata = json!({});
    }
    if let Some(fields) = metadata.as_object_mut() {
        fields.insert(TAKEN_FROM.to_owned(), json!(node.id));
    }
    let is_over = finish_seq.is_some();
    NodeExecution {
        id: NodeRunId::new(),
        workflow_run_id: Some(run.id),
        workflow_id: run.workflow_id,
        finish_seq,
        status: if is_over { node.status } else { NodeStatus::Running },
        outputs: node.outputs.clone().filter(|_| is_over),
        elapsed_time: if is_over { node.elapsed_time } else { 0.0 },
        execution_metadata: is_over.then(|| metadata.to_string()),
        debug: false,
        created_by_role: run.created_by_role.clone(),
        created_by: run.created_by,
        created_at: run.created_at,
        finished_at: is_over.then_some(run.created_at),
        ..node.clone()
    }
}

/// What is not taken over.
struct Dropped {
    /// With everything in it.
    whole: HashSet<Place>,
    /// Containers of which something is not taken over.
    opened: HashSet<Place>,
}

fn dropped(graph: &Graph, all: &HashSet<Place>, points: &HashSet<Place>) -> Dropped {
    let mut found = Dropped { whole: HashSet::new(), opened: HashSet::new() };
    let mut open: Vec<Place> = points.iter().cloned().collect();
    while let Some(place) = open.pop() {
        if !found.whole.insert(place.clone()) {
            continue;
        }
        let (frame, node_id) = &place;
        // What comes after it where it is, and everything in it.
        let after = downstream(graph, node_id);
        open.extend(all.iter().filter(|(other, id)| other == frame && after.contains(id)).cloned());
        open.extend(all.iter().filter(|(other, _)| is_in(other, frame, node_id)).cloned());
        // The container around it goes on: later rounds of a loop, and what comes after it, are not what they were.
        let Some(((container, index), outer)) = frame.path.split_last() else { continue };
        let around = FrameRef { path: outer.into() };
        let is_loop = graph.node(container).is_some_and(|node| node.kind == "loop");
        if is_loop {
            let later = |other: &FrameRef| {
                other.path.get(..outer.len()) == Some(outer)
                    && other.path.get(outer.len()).is_some_and(|(id, round)| id == container && round > index)
            };
            open.extend(all.iter().filter(|(other, _)| later(other)).cloned());
        }
        if found.opened.insert((around.clone(), container.clone())) {
            let after = downstream(graph, container);
            open.extend(all.iter().filter(|(other, id)| *other == around && after.contains(id)).cloned());
            // As for the node itself, one level up.
            open.extend(around_of(graph, all, &around, &mut found.opened));
        }
    }
    found
}

/// What does not stay as it was because a container in a container goes on.
fn around_of(graph: &Graph, all: &HashSet<Place>, frame: &FrameRef, opened: &mut HashSet<Place>) -> Vec<Place> {
    let mut found = Vec::new();
    let mut path: &[(String, u32)] = &frame.path;
    while let Some(((container, index), outer)) = path.split_last() {
        let around = FrameRef { path: outer.into() };
        opened.insert((around.clone(), container.clone()));
        let after = downstream(graph, container);
        found.extend(all.iter().filter(|(other, id)| *other == around && after.contains(id)).cloned());
        if graph.node(container).is_some_and(|node| node.kind == "loop") {
            let later = |other: &FrameRef| {
                other.path.get(..outer.len()) == Some(outer)
                    && other.path.get(outer.len()).is_some_and(|(id, round)| id == container && round > index)
            };
            found.extend(all.iter().filter(|(other, _)| later(other)).cloned());
        }
        path = outer;
    }
    found
}

/// Whether a frame is inside of a container's execution.
fn is_in(inner: &FrameRef, frame: &FrameRef, container: &str) -> bool {
    inner.path.get(..frame.path.len()) == Some(&*frame.path)
        && inner.path.get(frame.path.len()).is_some_and(|(id, _)| id == container)
}

/// The nodes that can be reached from a node.
fn downstream(graph: &Graph, node_id: &str) -> HashSet<String> {
    let mut found = HashSet::new();
    let mut open: Vec<usize> = graph.index_of(node_id).into_iter().collect();
    while let Some(index) = open.pop() {
        for (_, edge) in graph.out_edges(index) {
            if let Some(node) = graph.nodes.get(edge.target)
                && found.insert(node.id.clone())
            {
                open.push(edge.target);
            }
        }
    }
    found
}

/// Drops what has no place in the graph of the fork: nodes it does not have, or that wait there for others.
fn drop_unfit(graph: &Graph, all: &mut HashMap<Place, NodeExecution>, must_run: &dyn Fn(&Place) -> bool) {
    loop {
        let unfit: Vec<Place> = all
            .iter()
            .filter(|(place, node)| !fits(graph, all, place, node, must_run))
            .map(|(place, _)| place.clone())
            .collect();
        if unfit.is_empty() {
            return;
        }
        for (frame, node_id) in unfit {
            all.retain(|(other, id), _| (other, id) != (&frame, &node_id) && !is_in(other, &frame, &node_id));
        }
    }
}

fn fits(
    graph: &Graph,
    all: &HashMap<Place, NodeExecution>,
    (frame, node_id): &Place,
    node: &NodeExecution,
    must_run: &dyn Fn(&Place) -> bool,
) -> bool {
    let Some(index) = graph.index_of(node_id) else { return false };
    if graph.nodes.get(index).is_none_or(|spec| spec.kind != node.node_type) {
        return false;
    }
    graph.in_edges(index).all(|(_, edge)| {
        let Some(source) = graph.nodes.get(edge.source) else { return false };
        // Markers are not recorded; a branch that was not taken has not run.
        matches!(source.kind.as_str(), "iteration-start" | "loop-start")
            || all.contains_key(&(frame.clone(), source.id.clone()))
            || !must_run(&(frame.clone(), source.id.clone()))
    })
}

/// Drops what is in containers that are neither taken over nor opened.
fn drop_homeless(all: &mut HashMap<Place, NodeExecution>, opened: &[NodeExecution]) {
    let homes: HashSet<Place> =
        all.keys().cloned().chain(opened.iter().map(|node| (recovery::frame_of(node), node.node_id.clone()))).collect();
    all.retain(|(frame, _), _| {
        (0..frame.path.len()).all(|depth| {
            let (outer, inner) = (frame.path.get(..depth), frame.path.get(depth));
            outer.zip(inner).is_some_and(|(outer, (container, _))| {
                homes.contains(&(FrameRef { path: outer.into() }, container.clone()))
            })
        })
    });
}

/// The events of what was taken over, as a stream shows them.
pub fn shown(graph: &Graph, rows: &[NodeExecution], inputs: JsonText) -> Vec<StreamBody> {
    let mut events = vec![StreamBody::WorkflowStarted { inputs, resumed: false }];
    let mut begun: HashSet<Place> = HashSet::new();
    for row in rows {
        let frame = recovery::frame_of(row);
        for depth in 0..frame.path.len() {
            let (Some(outer), Some((container, _))) = (frame.path.get(..depth), frame.path.get(depth)) else {
                continue;
            };
            let place = (FrameRef { path: outer.into() }, container.clone());
            let around = rows.iter().find(|row| recovery::frame_of(row) == place.0 && row.node_id == *container);
            if begun.insert(place)
                && let Some(view) = around.and_then(|row| view(graph, row))
            {
                let inputs = around.and_then(|row| row.inputs.clone()).unwrap_or_else(|| "{}".to_owned());
                events.push(StreamBody::ContainerStarted { node: view, inputs: inputs.into(), length: None });
            }
        }
        if row.finish_seq.is_none() || matches!(row.node_type.as_str(), "iteration-start" | "loop-start") {
            continue;
        }
        let Some(view) = view(graph, row) else { continue };
        let done = Arc::new(done(row));
        if view.node.is_container() {
            if begun.insert((frame, row.node_id.clone())) {
                let inputs = Arc::clone(&done.inputs);
                events.push(StreamBody::ContainerStarted { node: view.clone(), inputs, length: None });
            }
            events.push(StreamBody::ContainerFinished { node: view, done, steps: 0 });
        } else {
            events.push(StreamBody::NodeStarted(view.clone()));
            events.push(StreamBody::NodeFinished(view, done));
        }
    }
    events
}

fn view(graph: &Graph, row: &NodeExecution) -> Option<NodeView> {
    let node: Arc<NodeSpec> = graph.node(&row.node_id)?.clone();
    let frame = recovery::frame_of(row);
    let container = frame.path.last().map(|(id, _)| id.clone());
    let is_loop = container.as_deref().and_then(|id| graph.node(id)).is_some_and(|node| node.kind == "loop");
    let id: Option<Arc<str>> = container.map(Into::into);
    Some(Arc::new(NodeFacts {
        id: row.id,
        node,
        created_at: row.created_at.timestamp(),
        iteration_id: id.clone().filter(|_| !is_loop),
        loop_id: id.filter(|_| is_loop),
    }))
}

fn done(row: &NodeExecution) -> NodeDone {
    let text = |text: &Option<String>| -> JsonText { text.as_deref().unwrap_or("{}").into() };
    NodeDone {
        inputs: text(&row.inputs),
        process_data: text(&row.process_data),
        outputs: text(&row.outputs),
        status: row.status.as_str(),
        error: row.error.clone(),
        elapsed_seconds: row.elapsed_time,
        metadata: row.execution_metadata.as_deref().unwrap_or("null").into(),
        finished_at: row.finished_at.unwrap_or(row.created_at).timestamp(),
        files: "[]".into(),
        total_tokens: 0,
    }
}
