//! Import of an app: reading, checking, building its nodes, writing it back.

use std::sync::Arc;

use ox_dsl::{
    document::{AppDocument, Body},
    features::Features,
    graph::Graph,
    lint, user_input,
};
use ox_engine::Workflow;
use ox_nodes::Registry;

use super::{Run, Shape, Target, apps, files, signature};
use crate::world;

pub const WORDS: &[&str] = &[
    "kind: app",
    "version: 0.6.0",
    "mode: workflow",
    "mode: advanced-chat",
    "type: start",
    "type: end",
    "type: answer",
    "type: llm",
    "type: if-else",
    "type: iteration",
    "type: loop",
    "type: code",
    "type: http-request",
    "id: '1'",
    "iteration_id: ",
    "parentId: ",
    "start_node_id: ",
    "source: ",
    "target: ",
    "sourceHandle: ",
    "value_selector:",
    "variables:",
    "edges:",
    "nodes:",
    "dependencies:",
    "environment_variables:",
    "conversation_variables:",
    "features:",
    "data:",
    "&x ",
    "*x",
    "<<: *x",
    "model_config:",
    "file_upload:",
    "type: parameter-extractor",
    "type: question-classifier",
    "type: variable-aggregator",
    "type: assigner",
    "type: list-operator",
    "type: document-extractor",
    "type: template-transform",
    "type: human-input",
    "type: tool",
    "type: knowledge-retrieval",
    "type: loop-end",
    "error_strategy: fail-branch",
    "error_strategy: default-value",
    "default_value: [{key: text, type: string, value: x}]",
    "retry_config: {retry_enabled: true, max_retries: 2, retry_interval: 0}",
    "is_parallel: true",
    "parallel_nums: 0",
    "error_handle_mode: continue-on-error",
    "flatten_output: false",
    "loop_count: 3",
    "value_selector: [sys, query]",
    "sourceHandle: fail-branch",
    "sourceHandle: 'true'",
    "{{#sys.query#}}",
    "version: '2'",
    "isInIteration: true",
    "isInLoop: true",
];

pub const TARGET: Target = Target {
    name: "dsl",
    shape: Shape::Yaml,
    seeds: || [files(&[".yml"]), apps()].concat(),
    words: WORDS,
    start: || Ok(run()),
};

fn run() -> Run {
    let registry = Registry::new(world::ports(world::network(None)));
    Box::new(move |input| {
        let text = String::from_utf8_lossy(input);
        let problems = lint::text(&text).len();
        let app = match AppDocument::parse(&text) {
            Ok(app) => app,
            Err(error) => return signature(&["unread", &error.to_string()]),
        };
        let written = ox_text::yaml::write(&app.raw).unwrap_or_default();
        let again = ox_text::yaml::parse(&written);
        assert!(again.as_ref().is_ok_and(|again| *again == app.raw), "written differently than read: {again:?}");
        let body = match app.body() {
            Ok(Body::Workflow(body)) => body,
            Ok(_) => return signature(&["other", &problems.min(20).to_string()]),
            Err(error) => return signature(&["no body", &error.to_string()]),
        };
        let _ = (ox_dsl::dependencies::of_graph(&body.graph), Features::read(&body.features));
        let _ = (ox_dsl::hash::draft(&body.graph, &body.features), lint::check_draft(&body.graph, &body.features));
        let reading = Graph::read(&body.graph);
        let graph = match Graph::parse(&body.graph) {
            Ok(graph) => graph,
            Err(error) => {
                return signature(&["no graph", &error.to_string(), &reading.errors.len().min(5).to_string()]);
            }
        };
        let shape = format!("{}{}", graph.nodes.len().min(9), problems.min(9));
        let _ = user_input::from_graph(&graph).map(|fields| user_input::user_input_form(&fields));
        match Workflow::compile(Arc::new(graph), &registry) {
            Ok(_) => signature(&["fine", &shape]),
            Err(error) => signature(&["not compiled", &error.to_string()]),
        }
    })
}
