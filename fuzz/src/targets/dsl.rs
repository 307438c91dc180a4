//! Import of an app: reading, checking, compiling, writing it back.

use std::sync::Arc;

use async_trait::async_trait;
use ox_dsl::{
    document::{AppDocument, Body},
    features::Features,
    graph::{Graph, NodeSpec},
    lint,
};
use ox_engine::{
    BuildError, BuiltNode, Effect, Node, NodeClass, NodeContext, NodeFactory, NodeFailure, NodeOutput, Workflow,
};

use super::{Run, Target, files, signature};

pub const TARGET: Target = Target {
    name: "dsl",
    seeds: || files(&[".yml"]),
    words: &[
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
    ],
    start: || Ok(run()),
};

fn run() -> Run {
    Box::new(|input| {
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
        match Workflow::compile(Arc::new(graph), &Idle) {
            Ok(_) => signature(&["fine", &shape]),
            Err(error) => signature(&["not compiled", &error.to_string()]),
        }
    })
}

/// Builds every node as one that does nothing.
struct Idle;

impl NodeFactory for Idle {
    fn build(&self, spec: &NodeSpec) -> Result<BuiltNode, BuildError> {
        let class = match spec.kind.as_str() {
            "start" => NodeClass::Root,
            "end" | "answer" => NodeClass::Response,
            "if-else" | "question-classifier" => NodeClass::Branch,
            "iteration" | "loop" => NodeClass::Container,
            _ => NodeClass::Executable,
        };
        Ok(BuiltNode::new(class, Effect::Pure, Arc::new(Idle)))
    }
}

#[async_trait]
impl Node for Idle {
    async fn run(&self, _cx: NodeContext) -> Result<NodeOutput, Box<NodeFailure>> {
        Ok(NodeOutput::default())
    }
}
