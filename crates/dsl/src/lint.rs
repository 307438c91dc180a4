//! Problems of a document: what would fail, and what is probably not meant.

mod outputs;
mod references;
mod required;
mod structure;
#[cfg(test)]
mod tests;

use ox_types::Json;
pub use references::selectors;

use crate::{
    document::{AppDocument, AppMode, Body, DocumentError, WorkflowBody},
    features,
    graph::{Graph, GraphError, GraphReading},
    user_input, variables,
    version::{self, ImportStatus},
};

/// More problems than this of one document help nobody.
const MAX_PROBLEMS: usize = 200;

/// How bad a problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// A run would fail, or the app cannot be published.
    Error,
    Warning,
}

/// One problem.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Problem {
    /// The node it is about; absent for the document as a whole.
    pub node_id: Option<String>,
    pub severity: Severity,
    /// Stable name of the rule.
    pub code: &'static str,
    pub message: String,
    /// What to do about it.
    pub remedy: String,
}

/// Problems as they are found.
#[derive(Default)]
struct Problems(Vec<Problem>);

impl Problems {
    fn add(&mut self, severity: Severity, node: Option<&str>, code: &'static str, message: String, remedy: &str) {
        if self.0.len() < MAX_PROBLEMS {
            let node_id = node.map(str::to_owned);
            self.0.push(Problem { node_id, severity, code, message, remedy: remedy.to_owned() });
        }
    }

    fn error(&mut self, node: Option<&str>, code: &'static str, message: impl Into<String>, remedy: &str) {
        self.add(Severity::Error, node, code, message.into(), remedy);
    }

    fn warning(&mut self, node: Option<&str>, code: &'static str, message: impl Into<String>, remedy: &str) {
        self.add(Severity::Warning, node, code, message.into(), remedy);
    }
}

/// Problems of a file.
#[must_use]
pub fn text(text: &str) -> Vec<Problem> {
    match AppDocument::parse(text) {
        Ok(app) => document(&app),
        Err(error) => vec![unreadable(&error)],
    }
}

/// Problems of a document.
#[must_use]
pub fn document(app: &AppDocument) -> Vec<Problem> {
    let mut problems = Problems::default();
    if app.status == ImportStatus::Pending {
        let message = format!("The file has version {}, newer than {}.", app.version, version::CURRENT);
        problems.warning(None, "newer-version", message, "Parts of it may not be understood; check it after import.");
    }
    let mode = match app.mode() {
        Ok(mode) => mode,
        Err(error) => return vec![unreadable(&error)],
    };
    match app.body() {
        Ok(Body::Workflow(body)) => problems.0.extend(workflow(mode, &body)),
        Ok(Body::Basic(config)) => problems.0.extend(model_config(&config)),
        Err(error) => problems.0.push(unreadable(&error)),
    }
    problems.0
}

fn unreadable(error: &DocumentError) -> Problem {
    let remedy = match error {
        DocumentError::Yaml(_) => "Correct the text at this place; indentation and quotes are the usual causes.",
        DocumentError::VersionType(_) => "Put the version in quotes, for example '0.6.0'.",
        DocumentError::NoMode | DocumentError::UnknownMode => {
            "Set app.mode to workflow, advanced-chat, chat, agent-chat or completion."
        }
        DocumentError::TooLarge => "Split the app, or move large texts out of it.",
        _ => "Export the app again, or compare the file with a working one.",
    };
    Problem {
        node_id: None,
        severity: Severity::Error,
        code: "unreadable",
        message: error.to_string(),
        remedy: remedy.to_owned(),
    }
}

/// Problems of a workflow.
#[must_use]
pub fn workflow(mode: AppMode, body: &WorkflowBody) -> Vec<Problem> {
    let mut problems = Problems::default();
    let GraphReading { graph, errors, ignored_edges } = Graph::read(&body.graph);
    for error in &errors {
        graph_error(error, &mut problems);
    }
    for edge in &ignored_edges {
        let message = format!("Edge {edge} has no source or target and is ignored.");
        problems.warning(None, "ignored-edge", message, "Delete the edge and draw it again.");
    }
    if let Err(why) = features::check(&body.features) {
        problems.error(None, "features", why, "Open the features panel and save it again.");
    }
    structure::check(mode, &graph, &mut problems);
    for node in &graph.nodes {
        required::check(node, &mut problems);
    }
    references::check(mode, body, &graph, &mut problems);
    problems.0
}

fn graph_error(error: &GraphError, problems: &mut Problems) {
    let message = error.to_string();
    match error {
        GraphError::DuplicateNode(id) => {
            problems.error(Some(id), "duplicate-node", message, "Give every node its own id.");
        }
        GraphError::MissingNode { .. } => {
            problems.error(None, "dangling-edge", message, "Delete the edge or restore the node.");
        }
        GraphError::Node { node_id, .. } => {
            problems.error(Some(node_id), "node-settings", message, "Correct the setting named here.");
        }
        _ => problems.error(None, "graph", message, "Correct the graph at the place named here."),
    }
}

/// Problems of a basic app.
#[must_use]
pub fn model_config(config: &Json) -> Vec<Problem> {
    let mut problems = Problems::default();
    let filled = |pointer: &str| config.pointer(pointer).and_then(Json::as_str).is_some_and(|text| !text.is_empty());
    if !filled("/model/provider") || !filled("/model/name") {
        problems.error(None, "model-missing", "No model is chosen.", "Choose a model.");
    }
    if let Err(why) = features::check(config) {
        problems.error(None, "features", why, "Save the feature again.");
    }
    match user_input::from_model_config(config) {
        Err(error) => problems.error(None, "input-field", error.to_string(), "Correct the field or delete it."),
        Ok(fields) => {
            required::duplicate_fields(None, &fields, &mut problems);
            let prompt = config.get("pre_prompt").and_then(Json::as_str).unwrap_or_default();
            for key in ox_text::template::Prompt::parse(prompt).keys().filter(|key| !key.starts_with('#')) {
                if !fields.iter().any(|field| field.variable == key) {
                    let message = format!("The prompt uses {{{{{key}}}}}, which is no input field.");
                    problems.warning(None, "unknown-variable", message, "Add the field or correct the name.");
                }
            }
        }
    }
    problems.0
}

/// Whether a draft may be saved: the check that the compatible API makes, no more.
///
/// # Errors
/// What is wrong, for the answer.
pub fn check_draft(graph: &Json, features: &Json) -> Result<(), String> {
    features::check(features)?;
    let kinds = || {
        let nodes = graph.get("nodes").and_then(Json::as_array).into_iter().flatten();
        nodes.filter_map(|node| node.pointer("/data/type").and_then(Json::as_str))
    };
    if kinds().any(|kind| kind == "start") && kinds().any(|kind| kind.starts_with("trigger-")) {
        return Err("Start node and trigger nodes cannot coexist in the same workflow".into());
    }
    Ok(())
}

/// The names that templates and selectors may use beside nodes.
struct Scopes<'a> {
    environment: &'a [variables::Variable],
    conversation: &'a [variables::Variable],
    mode: AppMode,
}
