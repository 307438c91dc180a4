//! The variables that nodes give.

use ox_types::Json;

use crate::graph::{ErrorStrategy, NodeSpec, canonical_kind};

/// The names of a node's outputs; `None` when they cannot be told from its settings.
pub fn names(node: &NodeSpec) -> Option<Vec<String>> {
    let fixed = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    let listed = |list: &str, key: &str| -> Vec<String> {
        let items = node.data.get(list).and_then(Json::as_array).into_iter().flatten();
        items.filter_map(|item| item.get(key)?.as_str()).map(str::to_owned).collect()
    };
    let mut names: Vec<String> = match canonical_kind(&node.kind) {
        "start" => listed("variables", "variable"),
        "answer" => fixed(&["answer", "files"]),
        "llm" => fixed(&["text", "reasoning_content", "usage", "finish_reason", "structured_output", "files"]),
        "knowledge-retrieval" => fixed(&["result"]),
        "question-classifier" => fixed(&["class_name", "class_id", "class_label", "usage"]),
        "if-else" => fixed(&["result", "selected_case_id"]),
        "code" => node.data.get("outputs")?.as_object()?.keys().cloned().collect(),
        "template-transform" => fixed(&["output"]),
        "http-request" => fixed(&["status_code", "body", "headers", "files"]),
        "parameter-extractor" => {
            let mut names = listed("parameters", "name");
            names.extend(fixed(&["__is_success", "__reason", "__usage"]));
            names
        }
        "variable-aggregator" => {
            let settings = node.data.get("advanced_settings");
            let grouped = settings.and_then(|s| s.get("group_enabled")).and_then(Json::as_bool).unwrap_or(false);
            let groups = settings.and_then(|s| s.get("groups")).and_then(Json::as_array);
            match groups.filter(|_| grouped) {
                Some(groups) => {
                    groups.iter().filter_map(|g| g.get("group_name")?.as_str()).map(str::to_owned).collect()
                }
                None => fixed(&["output"]),
            }
        }
        "document-extractor" => fixed(&["text"]),
        "list-operator" => fixed(&["result", "first_record", "last_record"]),
        "iteration" => fixed(&["output", "item", "index"]),
        "loop" => {
            let mut names = listed("loop_variables", "label");
            names.extend(fixed(&["loop_round", "index"]));
            names
        }
        _ => return None,
    };
    if node.error_strategy.is_some() {
        names.extend(fixed(&["error_message", "error_type"]));
    }
    if let Some(ErrorStrategy::DefaultValue(values)) = &node.error_strategy {
        names.extend(values.keys().cloned());
    }
    Some(names)
}
