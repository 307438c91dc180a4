//! Variables that texts and selectors name: do they exist, and are they there in time?

use std::collections::{HashMap, HashSet};

use ox_text::template::Template;
use ox_types::Json;

use super::{Problems, Scopes, outputs};
use crate::{
    document::{AppMode, WorkflowBody},
    graph::{Graph, NodeSpec},
};

/// Above this many nodes the order of nodes is not checked.
const MAX_ORDERED_NODES: usize = 2_000;
/// System variables; those of chatflows are marked.
const SYSTEM: [(&str, bool); 17] = [
    ("user_id", false),
    ("app_id", false),
    ("workflow_id", false),
    ("workflow_run_id", false),
    ("workflow_execution_id", false),
    ("timestamp", false),
    ("files", false),
    ("query", true),
    ("conversation_id", true),
    ("dialogue_count", true),
    ("invoke_from", false),
    ("document_id", false),
    ("original_document_id", false),
    ("batch", false),
    ("dataset_id", false),
    ("datasource_type", false),
    ("datasource_info", false),
];
/// Settings whose text is another language, where `{{#…#}}` means nothing (or a comment).
const OTHER_LANGUAGES: [&str; 4] = ["code", "jinja2_text", "template", "output_schema"];

pub fn check(mode: AppMode, body: &WorkflowBody, graph: &Graph, problems: &mut Problems) {
    let scopes = Scopes { environment: &body.environment_variables, conversation: &body.conversation_variables, mode };
    let names: HashMap<&str, Option<Vec<String>>> =
        graph.nodes.iter().map(|node| (node.id.as_str(), outputs::names(node))).collect();
    for (index, node) in graph.nodes.iter().enumerate() {
        let mut before = None;
        for selector in &selectors(&node.data) {
            if check_name(node, selector, &scopes, &names, problems) && graph.nodes.len() <= MAX_ORDERED_NODES {
                let before = before.get_or_insert_with(|| available(graph, index));
                check_order(graph, node, selector, before, problems);
            }
        }
    }
}

/// All selectors in a node's settings, in their order and each once.
#[must_use]
pub fn selectors(settings: &Json) -> Vec<Vec<String>> {
    let (mut found, mut told) = (Vec::new(), HashSet::new());
    collect(settings, "", &mut found);
    found.retain(|selector| told.insert(selector.clone()));
    found
}

fn collect(json: &Json, key: &str, found: &mut Vec<Vec<String>>) {
    match json {
        Json::String(text) if text.contains("{{#") && !OTHER_LANGUAGES.contains(&key) => {
            found.extend(Template::parse(text).selectors().map(<[String]>::to_vec));
        }
        Json::Array(items) => {
            if is_selector_key(key) && super::required::is_selector(Some(json)) {
                found.push(items.iter().filter_map(Json::as_str).map(str::to_owned).collect());
            } else {
                // Lists of selectors (`variables` of the aggregator) are lists of lists.
                let inner = if key == "variables" { "value_selector" } else { key };
                for item in items {
                    collect(item, if item.is_array() { inner } else { key }, found);
                }
            }
        }
        Json::Object(fields) => {
            let is_variable = matches!(fields.get("type").and_then(Json::as_str), Some("variable"))
                || matches!(fields.get("input_type").and_then(Json::as_str), Some("variable"))
                || matches!(fields.get("value_type").and_then(Json::as_str), Some("variable"));
            let disabled = fields.get("enabled") == Some(&Json::Bool(false));
            for (key, value) in fields.iter().filter(|_| !disabled) {
                let key =
                    if is_variable && matches!(key.as_str(), "value" | "selector") { "value_selector" } else { key };
                collect(value, key, found);
            }
        }
        _ => {}
    }
}

fn is_selector_key(key: &str) -> bool {
    key.ends_with("selector") || matches!(key, "variable" | "query" | "file")
}

/// Whether the selector names an output of a node, so that its place matters.
fn check_name(
    node: &NodeSpec,
    selector: &[String],
    scopes: &Scopes<'_>,
    names: &HashMap<&str, Option<Vec<String>>>,
    problems: &mut Problems,
) -> bool {
    let [first, name, ..] = selector else { return false };
    let known = match first.as_str() {
        "sys" => match SYSTEM.iter().find(|(system, _)| system == name) {
            Some((_, in_chats)) => {
                if *in_chats && scopes.mode == AppMode::Workflow {
                    let message = format!("sys.{name} is empty in a workflow: only chats have it.");
                    let remedy = "Use an input field of the start node.";
                    problems.warning(Some(&node.id), "chat-variable", message, remedy);
                }
                true
            }
            None => false,
        },
        "env" => scopes.environment.iter().any(|variable| variable.name == *name),
        "conversation" => scopes.conversation.iter().any(|variable| variable.name == *name),
        "rag" => true,
        id => match names.get(id) {
            None => {
                let message = format!("{} names the node {id}, which does not exist.", selector.join("."));
                problems.error(Some(&node.id), "unknown-node", message, "Choose the variable again.");
                return false;
            }
            Some(None) => return true,
            Some(Some(outputs)) => {
                if outputs.contains(name) {
                    return true;
                }
                false
            }
        },
    };
    if !known {
        let message = format!("The variable {} does not exist.", selector.join("."));
        problems.error(Some(&node.id), "unknown-variable", message, "Choose the variable again.");
    }
    false
}

/// The nodes whose outputs a node may read: what runs before it and around it, and what is in it.
fn available(graph: &Graph, index: usize) -> HashSet<usize> {
    let mut found = HashSet::new();
    let mut stack = vec![index];
    while let Some(current) = stack.pop() {
        stack.extend(graph.in_edges(current).map(|(_, edge)| edge.source).filter(|source| found.insert(*source)));
        let container = graph.nodes.get(current).and_then(|node| node.container.as_deref());
        stack.extend(container.and_then(|id| graph.index_of(id)).filter(|parent| found.insert(*parent)));
    }
    found.insert(index);
    let inside = graph.nodes.get(index).filter(|node| node.is_container());
    found.extend(inside.into_iter().flat_map(|node| graph.children(&node.id)).map(|(child, _)| child));
    found
}

fn check_order(
    graph: &Graph,
    node: &NodeSpec,
    selector: &[String],
    available: &HashSet<usize>,
    problems: &mut Problems,
) {
    let source = selector.first().and_then(|id| graph.index_of(id));
    if source.is_some_and(|source| !available.contains(&source)) {
        let message = format!("{} is read here, but its node does not run before this one.", selector.join("."));
        problems.warning(Some(&node.id), "not-before", message, "Connect the nodes, or choose another variable.");
    }
}
