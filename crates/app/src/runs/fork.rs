//! A new run that leaves a recorded one at some node: what had ended before is taken over, the rest is run.

mod taken;

use std::{collections::HashSet, sync::Arc};

use ox_db::{
    model::{NodeExecution, WorkflowRun},
    repo,
};
use ox_dsl::graph::Graph;
use ox_engine::{ArrayTypes, FinishedNode, InterruptedNode, Interruption, Pool, Recovery};
use ox_types::{Json, NodeRunId, Value, boxed};
use serde_json::Map;

use self::taken::Taken;
use super::{
    compiled::{self, CompiledWorkflow},
    delta::Delta,
    derived::{self, Begun},
    event::AppMode,
    hub::Subscription,
    launch, part, recovery,
    replay::{json_of, resume_data},
    sink::{RunSink, types_text},
    start,
};
use crate::{AppCaller, Error, Result, Services};

/// What `workflow_run_origins` says of forks.
pub const FORK: &str = "fork";
/// In the metadata of an execution: the one of the parent it was taken from.
pub const TAKEN_FROM: &str = "taken_from";

/// Where and how a fork leaves its parent.
#[derive(Clone, Debug, Default)]
pub struct ForkRequest {
    /// A node; inside a container all of its executions.
    pub node_id: Option<String>,
    /// One execution of a node.
    pub node_execution_id: Option<NodeRunId>,
    /// Values that are other than in the parent, by selector or by the names of the node or the start form.
    pub inputs: Map<String, Json>,
    /// Runs the present draft instead of what the parent ran.
    pub use_draft: bool,
}

/// Starts a fork of a run that has ended.
///
/// # Errors
/// 400 for a place that the parent never came to, 404 when its workflow is gone.
#[boxed]
pub async fn fork(
    services: &Arc<Services>,
    caller: &AppCaller,
    parent: &WorkflowRun,
    executions: Vec<NodeExecution>,
    request: &ForkRequest,
) -> Result<Subscription> {
    let permit = services.runs.enter(caller.app.app.id)?;
    let compiled = workflow(services, parent, request.use_draft).await?;
    let engine = compiled.engine.clone().map_err(Error::invalid)?;
    let graph = Arc::clone(engine.graph());
    let points = points(&graph, &executions, request)?;
    let before = if request.use_draft {
        let ran = workflow(services, parent, false).await?;
        ran.engine.as_ref().map(|engine| Arc::clone(engine.graph())).ok()
    } else {
        None
    };
    let mut taken = Taken::new(&graph, before.as_deref().unwrap_or(&graph), executions, &points);
    let begun = Begun::now();
    let data = resume_data(parent, begun);
    let mut inputs = json_of(parent.inputs.as_ref());
    if let Some(fields) = inputs.as_object_mut().filter(|fields| fields.contains_key("sys.workflow_run_id")) {
        fields.insert("sys.workflow_run_id".to_owned(), begun.run_id.to_string().into());
    }
    let mut pool = launch::resume_pool(&compiled, &inputs, &data, parent.created_at);
    let node_id = points.iter().next().map(|(_, node_id)| node_id.clone()).unwrap_or_default();
    let changed = changed(services, caller, &graph, &compiled, &node_id, &request.inputs).await?;
    for (selector, value) in &changed {
        part::put(&mut pool, selector, value.clone());
        taken.put(selector, value);
        note_input(&mut inputs, &compiled, selector, value);
    }
    let mut run = derived::row(services, caller, &compiled, begun, "debugging", inputs.to_string());
    run.resume = serde_json::to_string(&data).ok();
    derived::note_origin(services, caller, parent, begun, FORK, Some(node_id)).await?;
    let hub = derived::hub(caller, &compiled, begun);
    let reader = hub.subscribe();
    let rows = taken.rows(&run);
    let sink = RunSink::resumed(
        services.runs.recorder.begin(hub),
        AppMode::Workflow,
        derived::begin(services, run.clone(), None),
    );
    sink.restore(String::new(), i32::try_from(taken.finished.len()).unwrap_or(i32::MAX));
    let mut delta = Delta { run: Some(run), ..Delta::default() };
    delta.nodes.extend(rows.iter().map(|row| (row.id, row.clone())));
    let show = taken::shown(&graph, &rows, inputs.to_string().into());
    let recorded = sink.recording().put(Some(delta), begun.at.timestamp(), show, false).await;
    recorded.map_err(|error| Error::new(error.status, error.code, error.message))?;
    let recovery = Recovery {
        finished: rows.iter().filter(|row| row.finish_seq.is_some()).map(finished).collect(),
        interrupted: rows.iter().filter(|row| row.finish_seq.is_none()).map(opened).collect(),
        // Never none: a run without anything taken over is told from a fresh one by it.
        last_sequence: rows.len() as u64 * 2 + 1,
        elapsed_seconds: 0.0,
    };
    let resumption = launch::Resumption {
        info: derived::info(caller, &compiled, begun),
        pool,
        root: data.root,
        recovery,
        stop: None,
    };
    let start = launch::resume(services, &compiled, Arc::clone(&sink), resumption, caller.user.id());
    drop(permit);
    if let Err(why) = start {
        sink.abandon(&why).await.map_err(Error::internal)?;
    }
    Ok(reader)
}

async fn workflow(services: &Services, parent: &WorkflowRun, use_draft: bool) -> Result<Arc<CompiledWorkflow>> {
    if !use_draft {
        let found = compiled::of_run(services, parent).await?;
        return found.ok_or_else(|| Error::not_found("The version that the run executed is gone."));
    }
    let draft = repo::workflows::draft(&services.db, parent.tenant_id, parent.app_id).await?;
    let draft = draft.ok_or_else(|| Error::not_found("The app has no draft."))?;
    Ok(Arc::new(compiled::compile(services, &draft).await?))
}

/// A node execution: where in containers, and which node.
type Place = (ox_engine::FrameRef, String);

/// The executions from which on the fork runs itself.
fn points(graph: &Graph, executions: &[NodeExecution], request: &ForkRequest) -> Result<HashSet<Place>> {
    let place = |node: &NodeExecution| (recovery::frame_of(node), node.node_id.clone());
    if let Some(id) = request.node_execution_id {
        let found = executions.iter().find(|node| node.id == id);
        let found = found.ok_or_else(|| Error::invalid_field("node_execution_id", "The run has no such execution."))?;
        in_graph(graph, &found.node_id)?;
        return Ok(HashSet::from([place(found)]));
    }
    let node_id = request.node_id.as_deref().filter(|id| !id.is_empty());
    let node_id = node_id.ok_or_else(|| Error::invalid_field("node_id", "node_id: Field required"))?;
    in_graph(graph, node_id)?;
    let found: HashSet<Place> = executions.iter().filter(|node| node.node_id == node_id).map(place).collect();
    if !found.is_empty() {
        return Ok(found);
    }
    // A node that the draft has gained since: the fork comes to it by itself.
    if graph.node(node_id).is_some_and(|node| node.container.is_none()) {
        return Ok(HashSet::from([(ox_engine::FrameRef::default(), node_id.to_owned())]));
    }
    Err(Error::invalid_field("node_id", "The run did not come to this node."))
}

fn in_graph(graph: &Graph, node_id: &str) -> Result<()> {
    match graph.node(node_id) {
        Some(_) => Ok(()),
        None => Err(Error::invalid_field("node_id", format!("The workflow has no node {node_id}."))),
    }
}

/// The variables that are other than in the parent.
async fn changed(
    services: &Services,
    caller: &AppCaller,
    graph: &Graph,
    compiled: &CompiledWorkflow,
    node_id: &str,
    inputs: &Map<String, Json>,
) -> Result<Vec<(Vec<String>, Value)>> {
    let reader = start::reader(services, caller, false);
    let is_field = |name: &str| {
        let root = graph.node(&compiled.root);
        let fields = root.and_then(|root| root.data.get("variables")).and_then(Json::as_array);
        fields
            .is_some_and(|fields| fields.iter().any(|field| field.get("variable").and_then(Json::as_str) == Some(name)))
    };
    let mut found = Vec::with_capacity(inputs.len());
    for (key, json) in inputs {
        let selector = if is_field(key) {
            Some(vec![compiled.root.clone(), key.clone()])
        } else {
            graph.node(node_id).and_then(|node| part::selector_of(key, node))
        };
        let Some(selector) = selector else {
            return Err(Error::invalid_field("inputs", format!("There is no variable {key}.")));
        };
        found.push((selector, part::value_of(&reader, json).await?));
    }
    Ok(found)
}

/// What the run's record says it began with.
fn note_input(inputs: &mut Json, compiled: &CompiledWorkflow, selector: &[String], value: &Value) {
    let [scope, name] = selector else { return };
    let Some(fields) = inputs.as_object_mut() else { return };
    if *scope == compiled.root {
        fields.insert(name.clone(), value.to_json());
    } else if scope == "sys" && name != "conversation_id" {
        fields.insert(format!("sys.{name}"), value.to_json());
    }
}

/// What was taken over has been paid for by the parent.
fn finished(row: &NodeExecution) -> FinishedNode {
    FinishedNode { usage: None, retries: 0, ..recovery::finished_node(row) }
}

/// A container that goes on with what of it was taken over.
fn opened(row: &NodeExecution) -> InterruptedNode {
    InterruptedNode {
        node_id: row.node_id.clone(),
        frame: recovery::frame_of(row),
        node_run_id: row.id,
        index: u32::try_from(row.index).unwrap_or(0),
        started_at: row.created_at,
        retries: 0,
        state: Interruption::Running,
        answer: None,
    }
}

/// Sets a variable in the outputs that were taken over.
fn put_output(node: &mut NodeExecution, selector: &[String], value: &Value) {
    let [id, _, ..] = selector else { return };
    let mut ended = recovery::finished_node(node);
    ended.restore_types();
    let mut pool = Pool::new();
    pool.set_all(id, ended.outputs);
    part::put(&mut pool, selector, value.clone());
    let Some(fields) = pool.node(id) else { return };
    node.outputs = serde_json::to_string(fields).ok();
    node.array_types = types_text(&ArrayTypes::of_result(fields, &ended.updates));
}
