//! Two recorded runs side by side: what is the same, byte for byte, and what is not.

use std::collections::HashMap;

use ox_db::model::{NodeExecution, WorkflowRun};
use ox_types::{Json, NodeStatus};

/// Most differences that are told of one value.
const MAX_CHANGES: usize = 100;
/// Longest text that a difference shows.
const MAX_SHOWN: usize = 2_000;

/// What became of a value, a field or an element.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// JSON pointer.
    pub path: String,
    /// `changed`, `added` or `removed`.
    pub kind: &'static str,
    pub base: Json,
    pub other: Json,
}

/// One node execution of the one run beside the same one of the other.
#[derive(Clone, Debug)]
pub struct NodePair {
    pub base: Option<NodeExecution>,
    pub other: Option<NodeExecution>,
    /// `same`, `changed`, `new` or `removed`.
    pub change: &'static str,
    pub outputs: Vec<Change>,
}

/// Two runs side by side.
#[derive(Clone, Debug)]
pub struct Comparison {
    pub base: WorkflowRun,
    pub other: WorkflowRun,
    pub outputs: Vec<Change>,
    pub inputs: Vec<Change>,
    pub nodes: Vec<NodePair>,
    /// The outputs of the runs are the same text.
    pub outputs_identical: bool,
    /// So are those of all nodes, and every end is the same.
    pub identical: bool,
}

/// Compares two runs by what is recorded of them.
#[must_use]
pub fn compare(base: (WorkflowRun, Vec<NodeExecution>), other: (WorkflowRun, Vec<NodeExecution>)) -> Comparison {
    let nodes = pairs(base.1, other.1);
    let (base, other) = (base.0, other.0);
    let outputs_identical = same_text(base.outputs.as_ref(), other.outputs.as_ref());
    let identical = outputs_identical
        && base.status == other.status
        && base.error == other.error
        && nodes.iter().all(|pair| pair.change == "same");
    Comparison {
        outputs: changes(base.outputs.as_ref(), other.outputs.as_ref()),
        inputs: changes(base.inputs.as_ref(), other.inputs.as_ref()),
        nodes,
        outputs_identical,
        identical,
        base,
        other,
    }
}

/// A node without outputs and one with none are the same.
fn same_text(a: Option<&String>, b: Option<&String>) -> bool {
    let text = |text: Option<&String>| text.map_or("{}", String::as_str).to_owned();
    text(a) == text(b)
}

/// The executions of both runs in the order of the second one, what only the first has at the end. A node runs once in
/// each frame, so node and frame name an execution.
fn pairs(base: Vec<NodeExecution>, other: Vec<NodeExecution>) -> Vec<NodePair> {
    type Place = (String, Option<String>);
    let place = |node: &NodeExecution| -> Place { (node.node_id.clone(), node.frame.clone()) };
    let order: Vec<Place> = base.iter().map(place).collect();
    let mut base: HashMap<Place, NodeExecution> = base.into_iter().map(|node| (place(&node), node)).collect();
    let mut found: Vec<NodePair> = other.into_iter().map(|node| pair(base.remove(&place(&node)), Some(node))).collect();
    found.extend(order.into_iter().filter_map(|place| base.remove(&place)).map(|node| pair(Some(node), None)));
    found
}

fn pair(base: Option<NodeExecution>, other: Option<NodeExecution>) -> NodePair {
    let (change, outputs) = match (&base, &other) {
        (Some(base), Some(other)) => {
            let is_same = base.status == other.status
                && base.handle == other.handle
                && base.error == other.error
                && same_text(base.outputs.as_ref(), other.outputs.as_ref());
            let outputs = if is_same { Vec::new() } else { changes(base.outputs.as_ref(), other.outputs.as_ref()) };
            (if is_same { "same" } else { "changed" }, outputs)
        }
        (None, Some(_)) => ("new", Vec::new()),
        (_, None) => ("removed", Vec::new()),
    };
    NodePair { base, other, change, outputs }
}

/// Whether an execution was cut off by the end of its run.
#[must_use]
pub fn was_cut_off(node: &NodeExecution) -> bool {
    node.finished_at.is_none() || node.status == NodeStatus::Running
}

fn changes(base: Option<&String>, other: Option<&String>) -> Vec<Change> {
    let json = |text: Option<&String>| -> Json {
        text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_else(|| Json::Object(serde_json::Map::new()))
    };
    let mut found = Vec::new();
    differ(&json(base), &json(other), &mut String::new(), &mut found);
    found
}

fn differ(base: &Json, other: &Json, path: &mut String, found: &mut Vec<Change>) {
    if base == other || found.len() >= MAX_CHANGES {
        return;
    }
    match (base, other) {
        (Json::Object(a), Json::Object(b)) => {
            for (key, value) in a {
                at(path, key, |path| match b.get(key) {
                    Some(other) => differ(value, other, path, found),
                    None => tell(found, path, "removed", value, &Json::Null),
                });
            }
            for (key, value) in b.iter().filter(|(key, _)| !a.contains_key(*key)) {
                at(path, key, |path| tell(found, path, "added", &Json::Null, value));
            }
        }
        (Json::Array(a), Json::Array(b)) => {
            for index in 0..a.len().max(b.len()) {
                at(path, &index.to_string(), |path| match (a.get(index), b.get(index)) {
                    (Some(base), Some(other)) => differ(base, other, path, found),
                    (Some(base), None) => tell(found, path, "removed", base, &Json::Null),
                    (None, Some(other)) => tell(found, path, "added", &Json::Null, other),
                    (None, None) => {}
                });
                if found.len() >= MAX_CHANGES {
                    return;
                }
            }
        }
        _ => tell(found, path, "changed", base, other),
    }
}

fn at(path: &mut String, key: &str, then: impl FnOnce(&mut String)) {
    let length = path.len();
    path.push('/');
    path.push_str(&key.replace('~', "~0").replace('/', "~1"));
    then(path);
    path.truncate(length);
}

fn tell(found: &mut Vec<Change>, path: &str, kind: &'static str, base: &Json, other: &Json) {
    if found.len() < MAX_CHANGES {
        found.push(Change { path: path.to_owned(), kind, base: shown(base), other: shown(other) });
    }
}

/// A value short enough to be shown.
fn shown(value: &Json) -> Json {
    let text = match value {
        Json::String(text) => text.clone(),
        Json::Array(_) | Json::Object(_) => value.to_string(),
        other => return other.clone(),
    };
    if text.chars().count() <= MAX_SHOWN {
        return value.clone();
    }
    text.chars().take(MAX_SHOWN).chain("...".chars()).collect::<String>().into()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(base: &Json, other: &Json) -> Vec<(String, &'static str)> {
        let (base, other) = (base.to_string(), other.to_string());
        changes(Some(&base), Some(&other)).into_iter().map(|change| (change.path, change.kind)).collect()
    }

    #[test]
    fn differences_have_their_place() {
        let base = json!({"text": "a", "list": [1, 2, 3], "gone": 1, "deep": {"a/b": {"c~d": 1}}});
        let other = json!({"text": "b", "list": [1, 5], "new": null, "deep": {"a/b": {"c~d": 2}}});
        assert_eq!(
            told(&base, &other),
            [
                ("/text".to_owned(), "changed"),
                ("/list/1".into(), "changed"),
                ("/list/2".into(), "removed"),
                ("/gone".into(), "removed"),
                ("/deep/a~1b/c~0d".into(), "changed"),
                ("/new".into(), "added"),
            ]
        );
        assert_eq!(told(&base, &base), []);
        let many = told(&json!({"list": vec![1; 500]}), &json!({"list": vec![2; 500]}));
        assert_eq!(many.len(), MAX_CHANGES);
    }

    #[test]
    fn long_values_are_cut() {
        let Json::String(text) = shown(&json!("x".repeat(5_000))) else { panic!() };
        assert_eq!(text.len(), MAX_SHOWN + 3);
    }
}
