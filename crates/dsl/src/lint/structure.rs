//! Shape of the graph: beginnings, endings, reachability, cycles, containers, handles.

use std::collections::HashSet;

use ox_types::Json;

use super::Problems;
use crate::{
    document::AppMode,
    graph::{ErrorStrategy, FAIL_HANDLE, Graph, NodeSpec, SOURCE_HANDLE, is_root_kind},
};

pub fn check(mode: AppMode, graph: &Graph, problems: &mut Problems) {
    beginnings_and_endings(mode, graph, problems);
    containers(graph, problems);
    handles(graph, problems);
    cycles(graph, problems);
    reachability(graph, problems);
}

fn beginnings_and_endings(mode: AppMode, graph: &Graph, problems: &mut Problems) {
    let count = |kind: &str| graph.nodes.iter().filter(|node| node.kind == kind).count();
    let triggers = graph.nodes.iter().filter(|node| node.kind.starts_with("trigger-")).count();
    if !graph.nodes.iter().any(|node| is_root_kind(&node.kind)) {
        problems.error(None, "no-start", "The workflow has no start node.", "Add a start node or a trigger.");
    }
    if count("start") > 1 {
        let second = graph.nodes.iter().filter(|node| node.kind == "start").nth(1).map(|node| node.id.as_str());
        problems.error(second, "several-starts", "There are several start nodes.", "Keep one start node.");
    }
    if triggers > 0 && count("start") > 0 {
        let message = "A start node and triggers cannot be in one workflow.";
        problems.error(None, "start-and-trigger", message, "Delete the start node or the triggers.");
    }
    if triggers > 0 && mode == AppMode::AdvancedChat {
        problems.error(None, "trigger-in-chat", "A chatflow cannot have triggers.", "Use a workflow app for triggers.");
    }
    if mode == AppMode::AdvancedChat && count("answer") == 0 {
        problems.error(None, "no-answer", "The chatflow has no answer node.", "Add an answer node at the end.");
    }
    if mode == AppMode::Workflow && count("end") == 0 {
        let message = "The workflow has no output node: it gives nothing back.";
        if triggers > 0 {
            problems.warning(None, "no-output", message, "Add an output node if the result is needed.");
        } else {
            problems.error(None, "no-output", message, "Add an output node at the end.");
        }
    }
}

fn containers(graph: &Graph, problems: &mut Problems) {
    for node in &graph.nodes {
        let id = Some(node.id.as_str());
        if let Some(container) = &node.container
            && !graph.node(container).is_some_and(|parent| parent.is_container())
        {
            let message = format!("The node belongs to {container}, which is no iteration or loop.");
            problems.error(id, "container-missing", message, "Move the node out of it and in again.");
        }
        if node.is_container() {
            let start = node.data.get("start_node_id").and_then(Json::as_str).unwrap_or_default();
            let inside = graph.node(start).is_some_and(|child| child.container.as_deref() == Some(&node.id));
            if !inside {
                let message = if start.is_empty() {
                    format!("The {} has no start node inside.", node.kind)
                } else {
                    format!("The start node {start} is not inside the {}.", node.kind)
                };
                problems.error(id, "container-start", message, "Add the node again, or set start_node_id.");
            }
        }
    }
    for edge in &graph.edges {
        let ends = (graph.nodes.get(edge.source), graph.nodes.get(edge.target));
        if let (Some(source), Some(target)) = ends
            && source.container != target.container
        {
            let message = format!("The edge from {} to {} crosses the border of a container.", source.id, target.id);
            problems.error(
                Some(&source.id),
                "edge-crosses-container",
                message,
                "Connect nodes of the same level only.",
            );
        }
    }
}

fn handles(graph: &Graph, problems: &mut Problems) {
    for edge in &graph.edges {
        let Some(node) = graph.nodes.get(edge.source) else { continue };
        let fails = edge.handle == FAIL_HANDLE;
        if fails && node.error_strategy == Some(ErrorStrategy::FailBranch) {
            continue;
        }
        if !fails && known_handles(node).is_none_or(|handles| handles.contains(&edge.handle)) {
            continue;
        }
        let message = format!("The edge with the handle {} is never taken.", edge.handle);
        let remedy =
            if fails { "Set the error strategy to fail branch." } else { "Draw the edge again from a present branch." };
        problems.warning(Some(&node.id), "unknown-handle", message, remedy);
    }
}

/// The handles a node can select; `None` when we cannot tell.
fn known_handles(node: &NodeSpec) -> Option<HashSet<String>> {
    let texts = |list: &str, keys: &[&str]| -> HashSet<String> {
        let items = node.data.get(list).and_then(Json::as_array).into_iter().flatten();
        items.filter_map(|item| keys.iter().find_map(|key| item.get(key)?.as_str()).map(str::to_owned)).collect()
    };
    Some(match node.kind.as_str() {
        "if-else" => {
            let mut handles = texts("cases", &["case_id", "id"]);
            if node.data.get("cases").is_none() {
                handles.insert("true".into());
            }
            handles.insert("false".into());
            handles
        }
        "question-classifier" => texts("classes", &["id"]),
        "human-input" => {
            let mut handles = texts("user_actions", &["id"]);
            handles.extend(["__timeout__".to_owned(), SOURCE_HANDLE.to_owned()]);
            handles
        }
        kind if super::required::is_known(kind) => HashSet::from([SOURCE_HANDLE.to_owned()]),
        _ => return None,
    })
}

fn cycles(graph: &Graph, problems: &mut Problems) {
    for members in graph.cycles() {
        let names: Vec<_> = members.iter().take(5).filter_map(|&m| graph.nodes.get(m)).map(|n| n.id.as_str()).collect();
        let more = if members.len() > 5 { ", …" } else { "" };
        let message = format!("These nodes wait for each other: {}{more}.", names.join(", "));
        problems.error(names.first().copied(), "cycle", message, "Delete one edge of the circle, or use a loop.");
    }
}

fn reachability(graph: &Graph, problems: &mut Problems) {
    let mut seen = vec![false; graph.nodes.len()];
    let mut stack: Vec<usize> = (0..graph.nodes.len())
        .filter(|&index| graph.nodes.get(index).is_some_and(|node| is_root_kind(&node.kind)))
        .collect();
    while let Some(index) = stack.pop() {
        let (Some(flag), Some(node)) = (seen.get_mut(index), graph.nodes.get(index)) else { continue };
        if std::mem::replace(flag, true) {
            continue;
        }
        stack.extend(graph.out_edges(index).map(|(_, edge)| edge.target));
        if node.is_container() {
            let start = node.data.get("start_node_id").and_then(Json::as_str).unwrap_or_default();
            stack.extend(graph.index_of(start));
        }
    }
    for (node, _) in graph.nodes.iter().zip(&seen).filter(|(_, seen)| !**seen) {
        let message = "The node is not connected to a start node: it never runs.";
        problems.warning(Some(&node.id), "unreachable", message, "Connect it or delete it.");
    }
}
