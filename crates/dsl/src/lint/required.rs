//! Settings that a node of each kind cannot do without.

use std::collections::HashSet;

use ox_text::jinja;
use ox_types::Json;

use super::Problems;
use crate::{
    graph::{NodeSpec, canonical_kind},
    user_input::{self, InputField},
};

/// Kinds of the reference, whether they run here or not.
const KINDS: [&str; 28] = [
    "agent",
    "answer",
    "assigner",
    "code",
    "datasource",
    "document-extractor",
    "end",
    "http-request",
    "human-input",
    "if-else",
    "iteration",
    "iteration-start",
    "knowledge-index",
    "knowledge-retrieval",
    "list-operator",
    "llm",
    "loop",
    "loop-end",
    "loop-start",
    "parameter-extractor",
    "question-classifier",
    "start",
    "template-transform",
    "tool",
    "trigger-plugin",
    "trigger-schedule",
    "trigger-webhook",
    "variable-aggregator",
];

/// Operators that compare with nothing.
const UNARY: [&str; 6] = ["empty", "not empty", "null", "not null", "exists", "not exists"];

/// Whether a kind is one of the format.
pub fn is_known(kind: &str) -> bool {
    KINDS.contains(&canonical_kind(kind))
}

pub fn check(node: &NodeSpec, problems: &mut Problems) {
    if !is_known(&node.kind) {
        let message = format!("The node kind {} is not known; the run fails when it reaches the node.", node.kind);
        return problems.warning(
            Some(&node.id),
            "unknown-kind",
            message,
            "Install the plugin for it or replace the node.",
        );
    }
    let mut check = Check { node, problems };
    match canonical_kind(&node.kind) {
        "start" => check.start(),
        "end" => check.end(),
        "answer" => check.text("answer", "The answer is empty."),
        "llm" => check.llm(),
        "if-else" => check.if_else(),
        "code" => {
            check.text("code", "The code is empty.");
            check.filled("outputs", "The code has no outputs.");
        }
        "template-transform" => check.template(),
        "http-request" => check.text("url", "The URL is empty."),
        "variable-aggregator" => check.aggregator(),
        "assigner" if node.version == "1" && node.data.get("items").is_none() => {
            check.selector("assigned_variable_selector", "No variable to assign is chosen.");
        }
        "assigner" => check.filled("items", "Nothing is assigned."),
        "question-classifier" => {
            check.model();
            check.selector("query_variable_selector", "No text to classify is chosen.");
            check.filled("classes", "There are no classes.");
        }
        "parameter-extractor" => {
            check.model();
            check.selector("query", "No text to extract from is chosen.");
            check.filled("parameters", "There are no parameters.");
        }
        "knowledge-retrieval" => check.filled("dataset_ids", "No knowledge base is chosen."),
        "iteration" => {
            check.selector("iterator_selector", "No list to iterate over is chosen.");
            check.selector("output_selector", "No output of the iteration is chosen.");
        }
        "loop" => check.positive("loop_count", "The number of rounds is not set."),
        "tool" => {
            check.text("provider_id", "No tool is chosen.");
            check.text("tool_name", "No tool is chosen.");
        }
        "agent" => check.text("agent_strategy_name", "No agent strategy is chosen."),
        "document-extractor" => check.selector("variable_selector", "No file is chosen."),
        "list-operator" => check.selector("variable", "No list is chosen."),
        _ => {}
    }
}

/// Two fields of one name hide each other.
pub fn duplicate_fields(node: Option<&str>, fields: &[InputField], problems: &mut Problems) {
    let mut seen = HashSet::new();
    for field in fields.iter().filter(|field| !seen.insert(field.variable.as_str())) {
        let message = format!("The input field {} is there twice.", field.variable);
        problems.error(node, "duplicate-field", message, "Rename one of them.");
    }
}

struct Check<'a> {
    node: &'a NodeSpec,
    problems: &'a mut Problems,
}

impl Check<'_> {
    fn missing(&mut self, key: &str, message: &str) {
        let remedy = format!("Set {key} in the node's panel.");
        self.problems.error(Some(&self.node.id), "required", message, &remedy);
    }

    fn text(&mut self, key: &str, message: &str) {
        if self.node.data.get(key).and_then(Json::as_str).is_none_or(|text| text.trim().is_empty()) {
            self.missing(key, message);
        }
    }

    /// A list or mapping with content.
    fn filled(&mut self, key: &str, message: &str) {
        let filled = match self.node.data.get(key) {
            Some(Json::Array(items)) => !items.is_empty(),
            Some(Json::Object(fields)) => !fields.is_empty(),
            _ => false,
        };
        if !filled {
            self.missing(key, message);
        }
    }

    fn positive(&mut self, key: &str, message: &str) {
        if self.node.data.get(key).and_then(Json::as_u64).is_none_or(|number| number == 0) {
            self.missing(key, message);
        }
    }

    fn selector(&mut self, key: &str, message: &str) {
        if !is_selector(self.node.data.get(key)) {
            self.missing(key, message);
        }
    }

    fn model(&mut self) {
        let data = &self.node.data;
        let filled = |pointer: &str| data.pointer(pointer).and_then(Json::as_str).is_some_and(|text| !text.is_empty());
        if !filled("/model/provider") || !filled("/model/name") {
            self.problems.error(Some(&self.node.id), "model-missing", "No model is chosen.", "Choose a model.");
        }
    }

    fn start(&mut self) {
        match user_input::from_start_data(&self.node.data) {
            Ok(fields) => duplicate_fields(Some(&self.node.id), &fields, self.problems),
            Err(error) => {
                let remedy = "Correct the field or delete it.";
                self.problems.error(Some(&self.node.id), "input-field", error.to_string(), remedy);
            }
        }
    }

    fn end(&mut self) {
        for output in self.node.data.get("outputs").and_then(Json::as_array).into_iter().flatten() {
            let name = output.get("variable").and_then(Json::as_str).unwrap_or_default();
            if name.is_empty() {
                self.missing("outputs", "An output has no name.");
            } else if !is_selector(output.get("value_selector")) {
                self.missing("outputs", &format!("The output {name} has no value."));
            }
        }
    }

    fn llm(&mut self) {
        self.model();
        match self.node.data.get("prompt_template") {
            Some(Json::Array(items)) if !items.is_empty() => {}
            Some(Json::Object(_)) => {}
            _ => self.missing("prompt_template", "There is no prompt."),
        }
        let prompts = self.node.data.get("prompt_template").and_then(Json::as_array).into_iter().flatten();
        let jinja: Vec<_> = prompts
            .filter(|prompt| prompt.get("edition_type").and_then(Json::as_str) == Some("jinja2"))
            .filter_map(|prompt| prompt.get("jinja2_text")?.as_str().map(str::to_owned))
            .collect();
        jinja.iter().for_each(|template| self.jinja(template));
    }

    fn template(&mut self) {
        self.text("template", "The template is empty.");
        if let Some(template) = self.node.data.get("template").and_then(Json::as_str).map(str::to_owned) {
            self.jinja(&template);
        }
    }

    fn jinja(&mut self, template: &str) {
        if let Err(error) = jinja::check(template) {
            let message = format!("The template is wrong: {error}.");
            self.problems.error(Some(&self.node.id), "template-syntax", message, "Correct the template at this line.");
        }
    }

    fn aggregator(&mut self) {
        let groups = self
            .node
            .data
            .get("advanced_settings")
            .filter(|settings| settings.get("group_enabled").and_then(Json::as_bool).unwrap_or(false));
        let Some(groups) = groups else { return self.filled("variables", "No variables are chosen.") };
        for group in groups.get("groups").and_then(Json::as_array).into_iter().flatten() {
            if group.get("variables").and_then(Json::as_array).is_none_or(Vec::is_empty) {
                let name = group.get("group_name").and_then(Json::as_str).unwrap_or_default();
                self.missing("variables", &format!("The group {name} has no variables."));
            }
        }
    }

    fn if_else(&mut self) {
        let legacy = [self.node.data.clone()];
        let cases = match self.node.data.get("cases") {
            Some(Json::Array(cases)) => cases.as_slice(),
            _ => &legacy,
        };
        if cases.is_empty() {
            return self.missing("cases", "There are no conditions.");
        }
        for case in cases {
            let conditions = case.get("conditions").and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
            if conditions.is_empty() {
                self.missing("cases", "A case has no conditions.");
            }
            for condition in conditions {
                self.condition(condition);
            }
        }
    }

    fn condition(&mut self, condition: &Json) {
        if !is_selector(condition.get("variable_selector")) {
            return self.missing("cases", "A condition has no variable.");
        }
        let operator = condition.get("comparison_operator").and_then(Json::as_str).unwrap_or_default();
        if operator.is_empty() {
            return self.missing("cases", "A condition has no operator.");
        }
        let sub = condition.get("sub_variable_condition").is_some_and(Json::is_object);
        let empty = match condition.get("value") {
            None | Some(Json::Null) => true,
            Some(Json::String(text)) => text.is_empty(),
            Some(Json::Array(items)) => items.is_empty(),
            Some(_) => false,
        };
        if empty && !sub && !UNARY.contains(&operator) {
            let remedy = "Fill in the value.";
            let message = "A condition compares with an empty value.";
            self.problems.warning(Some(&self.node.id), "empty-value", message, remedy);
        }
    }
}

/// A list of at least two texts, none empty.
pub fn is_selector(json: Option<&Json>) -> bool {
    json.and_then(Json::as_array).is_some_and(|parts| {
        parts.len() > 1 && parts.iter().all(|part| part.as_str().is_some_and(|text| !text.is_empty()))
    })
}
