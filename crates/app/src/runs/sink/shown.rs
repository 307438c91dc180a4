//! Nodes and their results as streams and rows have them.

use chrono::{DateTime, Utc};
use ox_engine::{ArrayTypes, NodeInfo, NodeResult};
use ox_types::{Json, Value};
use serde::Serialize;

use super::Arc;
use crate::runs::event::{JsonText, NodeDone, NodeFacts, NodeView};

/// Containers speak through their own events; their synthetic starts not at all.
pub(super) fn is_shown(info: &NodeInfo) -> bool {
    !matches!(info.node.kind.as_str(), "iteration" | "loop" | "iteration-start" | "loop-start")
}

pub(super) fn view(info: &NodeInfo) -> NodeView {
    Arc::new(NodeFacts {
        id: info.node_run_id,
        node: Arc::clone(&info.node),
        created_at: info.started_at.timestamp(),
        iteration_id: info.iteration_id.as_deref().map(Arc::from),
        loop_id: info.loop_id.as_deref().map(Arc::from),
    })
}

pub(super) fn done(info: &NodeInfo, result: &NodeResult, at: DateTime<Utc>) -> NodeDone {
    let total_tokens = result.usage.as_ref().map_or(0, |usage| usage.total_tokens);
    NodeDone {
        inputs: text(&result.inputs),
        process_data: text(&result.process_data),
        outputs: text(&result.outputs),
        status: result.status.as_str(),
        error: result.error.clone(),
        elapsed_seconds: result.elapsed_seconds,
        metadata: metadata_text(info, result),
        finished_at: at.timestamp(),
        files: files_text(&result.outputs),
        total_tokens: result.metadata.get("total_tokens").and_then(Json::as_u64).unwrap_or(total_tokens),
    }
}

fn metadata_text(info: &NodeInfo, result: &NodeResult) -> JsonText {
    let mut metadata = result.metadata.clone();
    if let Some((container, index)) = info.frame.path.last() {
        let kind = if info.loop_id.as_deref() == Some(container) { "loop" } else { "iteration" };
        metadata.entry(format!("{kind}_id")).or_insert_with(|| container.as_str().into());
        metadata.entry(format!("{kind}_index")).or_insert_with(|| (*index).into());
    }
    if metadata.is_empty() { "null".into() } else { text(&metadata) }
}

/// As it stands in an execution's row.
pub(in crate::runs) fn types_text(types: &ArrayTypes) -> Option<String> {
    if types.is_empty() { None } else { serde_json::to_string(types).ok() }
}

pub(super) fn text<T: Serialize>(value: &T) -> JsonText {
    serde_json::to_string(value).unwrap_or_else(|_| "{}".to_owned()).into()
}

/// The files in the outputs of a node or run, as a JSON list.
pub(super) fn files_text(outputs: &indexmap::IndexMap<String, Value>) -> JsonText {
    let mut files = Vec::new();
    for value in outputs.values() {
        match value {
            Value::File(file) => files.push(file.to_json()),
            Value::Array(_, items) => {
                files.extend(items.iter().filter_map(|item| match item {
                    Value::File(file) => Some(file.to_json()),
                    _ => None,
                }));
            }
            _ => {}
        }
    }
    if files.is_empty() { "[]".into() } else { text(&files) }
}
