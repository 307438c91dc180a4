//! A part of a draft made ready to run by itself: one node, or one container with what is in it.
//!
//! What the part reads comes from the inspector's variables, and from what the caller gives, which counts more.

mod given;

use std::{collections::HashSet, sync::Arc};

use ox_db::{
    model::{DraftVariable, Workflow},
    repo::draft_variables,
};
use ox_dsl::{
    graph::{Graph, NodeSpec, is_root_kind},
    lint::selectors,
};
use ox_engine::Pool;
use ox_types::{AppId, Json, Object, Value, ValueType};
use serde_json::{Map, json};

pub(super) use given::{put, selector_of, value_of};

use super::{
    compiled::{self, CompiledWorkflow},
    draft::{CONVERSATION, PLACEHOLDER, SYSTEM},
    start,
};
use crate::{AppCaller, Error, Result, Services, workflows::inspector};

/// Kinds that take what there is of the variables they name.
const CONTENT_WITH_LESS: [&str; 3] = ["variable-aggregator", "answer", "end"];

/// What somebody gives to a part that is run by itself.
#[derive(Clone, Debug, Default)]
pub struct StepRequest {
    /// By selector (`#node.name#`) or by the node's own names.
    pub inputs: Map<String, Json>,
    pub query: String,
    pub files: Vec<Json>,
    /// `sys` variables beside those that every run has.
    pub system: Object,
}

/// A part ready to run.
pub(super) struct Part {
    pub node: Arc<NodeSpec>,
    pub engine: Arc<ox_engine::Workflow>,
    /// The draft it is a part of.
    pub compiled: CompiledWorkflow,
    /// The part as JSON text.
    pub graph: String,
    pub pool: Pool,
    /// What was given, by selector.
    pub given: Object,
}

/// The whole draft's node with this id.
///
/// # Errors
/// 404 when there is none.
pub(super) fn find_node(graph: &Graph, node_id: &str) -> Result<Arc<NodeSpec>> {
    graph.node(node_id).cloned().ok_or_else(|| Error::not_found(format!("The draft has no node {node_id}.")))
}

/// Prepares a node of a draft.
///
/// # Errors
/// 404 for an unknown node, 400 for one that cannot be built or whose variables are neither known nor given.
pub(super) async fn prepare(
    services: &Services,
    caller: &AppCaller,
    draft: &Workflow,
    node_id: &str,
    request: StepRequest,
) -> Result<Part> {
    let whole = Graph::read(&draft.graph).graph;
    let node = find_node(&whole, node_id)?;
    let inside = inside(&whole, &node.id);
    let reduced = reduced(&draft.graph, &inside);
    let graph = Graph::parse(&reduced).map_err(|error| Error::invalid(error.to_string()))?;
    let engine = ox_engine::Workflow::compile_from(Arc::new(graph), services.nodes.as_ref(), &node.id)
        .map_err(|error| Error::invalid(error.to_string()))?;
    let compiled = compiled::compile(services, draft).await?;
    let parts: Vec<Arc<NodeSpec>> = whole.nodes.iter().filter(|node| inside.contains(&node.id)).cloned().collect();
    let read = reads(&parts);
    let mut pool = known(services, caller, &compiled, &read).await?;
    let given = fill(services, caller, &compiled, &node, request, &mut pool).await?;
    check_known(&whole, &parts, &pool)?;
    Ok(Part { node, engine, compiled, graph: reduced.to_string(), pool, given })
}

/// A node and everything in it.
fn inside(graph: &Graph, node_id: &str) -> HashSet<String> {
    let mut found = HashSet::from([node_id.to_owned()]);
    let mut open = vec![node_id.to_owned()];
    while let Some(container) = open.pop() {
        for (_, child) in graph.children(&container) {
            if found.insert(child.id.clone()) {
                open.push(child.id.clone());
            }
        }
    }
    found
}

/// The graph without everything else.
fn reduced(graph: &Json, kept: &HashSet<String>) -> Json {
    let list = |key: &str| graph.get(key).and_then(Json::as_array).into_iter().flatten();
    let has = |item: &Json, key: &str| item.get(key).and_then(Json::as_str).is_some_and(|id| kept.contains(id));
    let nodes: Vec<&Json> = list("nodes").filter(|node| has(node, "id")).collect();
    let edges: Vec<&Json> = list("edges").filter(|edge| has(edge, "source") && has(edge, "target")).collect();
    json!({"nodes": nodes, "edges": edges})
}

/// The nodes and scopes whose variables a part names.
fn reads(parts: &[Arc<NodeSpec>]) -> HashSet<String> {
    let named = parts.iter().flat_map(|node| selectors(&node.data)).filter_map(|selector| selector.into_iter().next());
    let mut found: HashSet<String> = named.collect();
    found.extend([SYSTEM.to_owned(), CONVERSATION.to_owned()]);
    found
}

/// The pool as far as the draft and its inspector know it.
async fn known(
    services: &Services,
    caller: &AppCaller,
    compiled: &CompiledWorkflow,
    read: &HashSet<String>,
) -> Result<Pool> {
    let mut pool = Pool::new();
    pool.set_all("env", compiled.environment.iter().cloned());
    let defaults = compiled.conversation_variables.iter();
    pool.set_all(CONVERSATION, defaults.map(|variable| (variable.name.clone(), variable.value.clone())));
    let asked = crate::pipelines::inputs::defaults(&compiled.rag_pipeline_variables);
    if !asked.is_empty() {
        pool.set_all(super::pipeline::ASKED, asked);
    }
    let app_id = caller.app.app.id;
    let nodes: Vec<&str> = read.iter().map(String::as_str).collect();
    for variable in draft_variables::of_nodes(&services.db, app_id, &nodes).await? {
        if variable.name != PLACEHOLDER {
            let value = value(services, caller, &variable).await?;
            pool.set(&variable.node_id, &variable.name, value);
        }
    }
    set_system(&mut pool, caller, app_id, compiled);
    Ok(pool)
}

/// The value of a variable of the inspector, from its file where it is large.
async fn value(services: &Services, caller: &AppCaller, variable: &DraftVariable) -> Result<Value> {
    let json = inspector::full_value(services, caller.tenant_id(), variable).await?;
    let declared = ValueType::parse(&variable.value_type).unwrap_or(ValueType::Any);
    Ok(Value::typed(&json, declared).unwrap_or_else(|_| Value::from_json(&json)))
}

fn set_system(pool: &mut Pool, caller: &AppCaller, app_id: AppId, compiled: &CompiledWorkflow) {
    pool.set(SYSTEM, "user_id", caller.user.sys_user_id());
    pool.set(SYSTEM, "app_id", app_id.to_string());
    pool.set(SYSTEM, "workflow_id", compiled.id.to_string());
    if !pool.contains(&[SYSTEM, "files"]) {
        pool.set(SYSTEM, "files", Value::array_of(ValueType::ArrayFile, Vec::new()));
    }
}

/// Puts what is given over what is known; returns it by selector.
async fn fill(
    services: &Services,
    caller: &AppCaller,
    compiled: &CompiledWorkflow,
    node: &NodeSpec,
    request: StepRequest,
    pool: &mut Pool,
) -> Result<Object> {
    let reader = start::reader(services, caller, false);
    let mut given = Object::new();
    if node.kind == "start" {
        let inputs = compiled.form.check(&Json::Object(request.inputs), &reader).await?;
        given.extend(inputs.clone());
        pool.set_all(&node.id, inputs);
    } else if !is_root_kind(&node.kind) {
        for (key, json) in &request.inputs {
            let Some(selector) = selector_of(key, node) else { continue };
            let value = value_of(&reader, json).await?;
            put(pool, &selector, value.clone());
            given.insert(selector.join("."), value);
        }
    }
    pool.set_all(SYSTEM, request.system);
    if !request.query.is_empty() {
        pool.set(SYSTEM, "query", request.query.as_str());
    }
    if !request.files.is_empty() {
        let files = reader.list(&request.files, None).await?;
        let files = files.into_iter().map(Value::from).collect();
        pool.set(SYSTEM, "files", Value::array_of(ValueType::ArrayFile, files));
    }
    Ok(given)
}

/// Everything that the part reads of nodes outside of it must be there.
fn check_known(whole: &Graph, parts: &[Arc<NodeSpec>], pool: &Pool) -> Result<()> {
    for node in parts.iter().filter(|node| !CONTENT_WITH_LESS.contains(&node.canonical_kind())) {
        for selector in selectors(&node.data) {
            let [source, name, ..] = selector.as_slice() else { continue };
            let is_outside = whole.node(source).is_some() && !parts.iter().any(|part| part.id == *source);
            if is_outside && !pool.contains(&[source, name]) {
                return Err(Error::invalid_field(
                    "inputs",
                    format!(
                        "Variable #{source}.{name}# not found. Give its value in inputs, or run the node that makes it \
                         first."
                    ),
                ));
            }
        }
    }
    Ok(())
}
