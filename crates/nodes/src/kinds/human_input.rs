//! `human-input`: asks somebody, and goes on with what they answer.
//!
//! The first run pauses with the question: the form as it reads at that moment, and by which ways it is delivered.
//! The node runs again with what came of it: `{"status": "submitted" | "timeout" | "waiting", "form": question, …}`.

use std::{collections::HashSet, sync::Arc};

use async_trait::async_trait;
use indexmap::IndexMap;
use ox_dsl::graph::NodeSpec;
use ox_engine::{BuiltNode, Effect, Node, NodeClass, NodeContext, NodeFailure, NodeOutput, Pool};
use ox_text::template::Template;
use ox_types::{Json, Value, ValueType};
use serde::Deserialize;
use serde_json::json;

use crate::{NodeKind, Ports, config, template};

/// The branch of a form that nobody answered in time.
pub const TIMEOUT_HANDLE: &str = "__timeout__";
/// Compat: how long a form waits when the node does not say.
const DEFAULT_HOURS: u64 = 36;
/// A form can wait ten years at most.
const MAX_SECONDS: u64 = 10 * 365 * 24 * 3600;

#[derive(Deserialize)]
struct Config {
    #[serde(default, deserialize_with = "config::nullable")]
    delivery_methods: Vec<Delivery>,
    #[serde(default, deserialize_with = "config::nullable")]
    form_content: String,
    #[serde(default, deserialize_with = "config::nullable")]
    inputs: Vec<Input>,
    #[serde(default, deserialize_with = "config::nullable")]
    user_actions: Vec<Action>,
    timeout: Option<u64>,
    timeout_unit: Option<String>,
}

#[derive(Deserialize)]
struct Delivery {
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default = "yes")]
    enabled: bool,
    #[serde(default)]
    config: Json,
}

fn yes() -> bool {
    true
}

#[derive(Deserialize)]
struct Input {
    #[serde(rename = "type")]
    kind: String,
    output_variable_name: String,
    #[serde(default)]
    default: Option<Source>,
    #[serde(default)]
    option_source: Option<Source>,
    #[serde(flatten)]
    other: serde_json::Map<String, Json>,
}

/// A value written down, or that of a variable.
#[derive(Clone, Deserialize)]
struct Source {
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default, deserialize_with = "config::nullable")]
    selector: Vec<String>,
    #[serde(default)]
    value: Json,
}

#[derive(Deserialize)]
struct Action {
    id: String,
    #[serde(default, deserialize_with = "config::nullable")]
    title: String,
    #[serde(default, deserialize_with = "config::nullable")]
    button_style: String,
}

pub struct HumanInput;

impl NodeKind for HumanInput {
    fn kind(&self) -> &'static str {
        "human-input"
    }

    fn default_config(&self) -> Json {
        json!({
            "delivery_methods": [], "form_content": "", "inputs": [], "user_actions": [],
            "timeout": 3, "timeout_unit": "day",
        })
    }

    fn build(&self, spec: &NodeSpec, _ports: &Arc<Ports>) -> Result<BuiltNode, String> {
        let config = read(spec)?;
        Ok(BuiltNode::new(NodeClass::Branch, Effect::Pure, Arc::new(Runner { config })))
    }
}

fn read(spec: &NodeSpec) -> Result<Config, String> {
    let config: Config = config::read(spec)?;
    let mut ids = HashSet::new();
    for action in &config.user_actions {
        if !is_identifier(&action.id, 20) {
            return Err(format!(
                "the action id {:?} must be letters, digits and underscores, at most 20, and not begin with a digit",
                action.id
            ));
        }
        if !ids.insert(action.id.as_str()) {
            return Err(format!("the action id {:?} is there twice", action.id));
        }
    }
    let mut names = HashSet::new();
    for input in &config.inputs {
        let name = input.output_variable_name.as_str();
        if !is_identifier(name, 30) {
            return Err(format!(
                "the field name {name:?} must be letters, digits and underscores, at most 30, and not begin with a digit"
            ));
        }
        if !names.insert(name) {
            return Err(format!("the field {name:?} is there twice"));
        }
        if !["paragraph", "select", "file", "file-list"].contains(&input.kind.as_str()) {
            return Err(format!("the field {name:?} has the unknown type {:?}", input.kind));
        }
    }
    Ok(config)
}

fn is_identifier(text: &str, most: usize) -> bool {
    let first = text.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_');
    first && text.len() <= most && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// The question that a node asks with these variables, as its run would pause with it.
///
/// # Errors
/// What is wrong with its configuration.
pub fn question(spec: &NodeSpec, pool: &Pool) -> Result<Json, String> {
    Ok(read(spec)?.question(pool))
}

/// The variables that a node's form reads.
///
/// # Errors
/// What is wrong with its configuration.
pub fn variables(spec: &NodeSpec) -> Result<Vec<Vec<String>>, String> {
    let config = read(spec)?;
    let form = Template::parse(&config.form_content);
    let mut found: Vec<Vec<String>> = form.selectors().map(<[String]>::to_vec).collect();
    let sources = config.inputs.iter().flat_map(|input| [&input.default, &input.option_source]).flatten();
    found.extend(sources.filter(|source| source.is_variable()).map(|source| source.selector.clone()));
    let mut seen = HashSet::new();
    found.retain(|selector| seen.insert(selector.clone()));
    Ok(found)
}

impl Source {
    fn is_variable(&self) -> bool {
        self.kind == "variable" && self.selector.len() > 1
    }

    fn resolve(&self, pool: &Pool) -> Json {
        if self.is_variable() {
            return pool.get(&self.selector).map_or(Json::Null, |value| value.to_json());
        }
        self.value.clone()
    }
}

impl Config {
    fn question(&self, pool: &Pool) -> Json {
        let mut defaults = serde_json::Map::new();
        for input in &self.inputs {
            let Some(source) = &input.default else { continue };
            let value = match source.resolve(pool) {
                Json::Null => continue,
                // A paragraph shows text, whatever the variable is.
                value if input.kind == "paragraph" && !value.is_string() => Value::from_json(&value).text().into(),
                value => value,
            };
            defaults.insert(input.output_variable_name.clone(), value);
        }
        let deliveries: Vec<Json> =
            self.delivery_methods.iter().filter(|way| way.enabled).map(|way| way.shown(pool)).collect();
        let actions: Vec<Json> = self.user_actions.iter().map(Action::shown).collect();
        json!({
            "type": "human_input_required",
            "form_content": template::text(&self.form_content, pool),
            "inputs": self.inputs.iter().map(|input| input.shown(pool)).collect::<Vec<_>>(),
            "actions": actions,
            "resolved_default_values": defaults,
            "timeout_seconds": self.seconds(),
            "deliveries": deliveries,
        })
    }

    fn seconds(&self) -> u64 {
        let hour = 3600;
        let seconds = match (self.timeout, self.timeout_unit.as_deref()) {
            (None, _) => DEFAULT_HOURS * hour,
            (Some(days), Some("day")) => days.saturating_mul(24 * hour),
            (Some(hours), _) => hours.saturating_mul(hour),
        };
        seconds.min(MAX_SECONDS)
    }
}

impl Input {
    fn shown(&self, pool: &Pool) -> Json {
        let source =
            |source: &Source, value: Json| json!({"type": source.kind, "selector": source.selector, "value": value});
        let mut shown = self.other.clone();
        shown.insert("type".into(), self.kind.clone().into());
        shown.insert("output_variable_name".into(), self.output_variable_name.clone().into());
        let default = self.default.as_ref().map(|default| source(default, default.value.clone()));
        shown.insert("default".into(), default.unwrap_or_default());
        if let Some(options) = &self.option_source {
            let values: Vec<Json> = match options.resolve(pool) {
                Json::Array(items) => items.iter().map(|item| Value::from_json(item).text().into()).collect(),
                _ => Vec::new(),
            };
            shown.insert("option_source".into(), source(options, values.into()));
        }
        Json::Object(shown)
    }
}

impl Action {
    fn shown(&self) -> Json {
        let style = if self.button_style.is_empty() { "default" } else { &self.button_style };
        json!({"id": self.id, "title": self.title, "button_style": style})
    }
}

impl Delivery {
    /// With the texts of a mail filled in; `{{#url#}}` is left for whoever sends it.
    fn shown(&self, pool: &Pool) -> Json {
        let mut config = self.config.clone();
        for key in ["subject", "body"] {
            let filled = config.get(key).and_then(Json::as_str).map(|text| template::text(text, pool));
            if let (Some(filled), Some(slot)) = (filled, config.get_mut(key)) {
                *slot = filled.into();
            }
        }
        json!({"type": self.kind, "config": config})
    }
}

struct Runner {
    config: Config,
}

#[async_trait]
impl Node for Runner {
    async fn run(&self, cx: NodeContext) -> Result<NodeOutput, Box<NodeFailure>> {
        let Some(answer) = cx.answer.clone() else {
            let pause = Some(self.config.question(&cx.pool));
            return Ok(NodeOutput { pause, ..NodeOutput::default() });
        };
        let form = answer.get("form").cloned().unwrap_or_default();
        match answer.get("status").and_then(Json::as_str) {
            Some("submitted") => Ok(filled(&cx, &form, &answer).await),
            Some("timeout") => Ok(timed_out(&cx, &form).await),
            _ => Ok(NodeOutput { pause: Some(form), ..NodeOutput::default() }),
        }
    }
}

/// Somebody has answered.
async fn filled(cx: &NodeContext, form: &Json, answer: &Json) -> NodeOutput {
    let action_id = answer.get("action_id").and_then(Json::as_str).unwrap_or_default();
    let actions = form.get("actions").and_then(Json::as_array).into_iter().flatten();
    let mut actions = actions.filter(|action| action.get("id").and_then(Json::as_str) == Some(action_id));
    let title = actions.next().and_then(|action| action.get("title")?.as_str()).unwrap_or_default().to_owned();
    let given = answer.get("inputs").cloned().unwrap_or_else(|| json!({}));
    let mut outputs = IndexMap::new();
    for input in form.get("inputs").and_then(Json::as_array).into_iter().flatten() {
        let Some(name) = input.get("output_variable_name").and_then(Json::as_str) else { continue };
        let value = given.get(name).unwrap_or(&Json::Null);
        let value = match input.get("type").and_then(Json::as_str) {
            Some("file-list") => {
                let files = value.as_array().into_iter().flatten().map(Value::from_json);
                Value::array_of(ValueType::ArrayFile, files.collect())
            }
            _ => Value::from_json(value),
        };
        outputs.insert(name.to_owned(), value);
    }
    let content = form.get("form_content").and_then(Json::as_str).unwrap_or_default();
    let rendered = rendered(content, &outputs);
    let told = json!({
        "node_id": cx.node.id, "node_title": cx.node.title, "rendered_content": rendered, "action_id": action_id,
        "action_text": title, "submitted_data": given,
    });
    cx.chunks.note("human_input_form_filled", told).await;
    outputs.insert("__action_id".to_owned(), action_id.into());
    outputs.insert("__action_value".to_owned(), title.into());
    outputs.insert("__rendered_content".to_owned(), rendered.into());
    NodeOutput { outputs, handle: Some(action_id.to_owned()), ..NodeOutput::default() }
}

/// Nobody has answered in time.
async fn timed_out(cx: &NodeContext, form: &Json) -> NodeOutput {
    let told = json!({
        "node_id": cx.node.id, "node_title": cx.node.title,
        "expiration_time": form.get("expiration_time").cloned().unwrap_or_default(),
    });
    cx.chunks.note("human_input_form_timeout", told).await;
    let content = form.get("form_content").and_then(Json::as_str).unwrap_or_default();
    let outputs = IndexMap::from_iter([
        ("__action_id".to_owned(), Value::from("")),
        ("__action_value".to_owned(), Value::from("")),
        ("__rendered_content".to_owned(), rendered(content, &IndexMap::new()).into()),
    ]);
    NodeOutput { outputs, handle: Some(TIMEOUT_HANDLE.to_owned()), ..NodeOutput::default() }
}

/// The form with the answers in the places of its fields.
fn rendered(content: &str, values: &IndexMap<String, Value>) -> String {
    const OPEN: &str = "{{#$output.";
    let mut out = String::with_capacity(content.len());
    let mut rest = content;
    while let Some((before, after)) = rest.split_once(OPEN) {
        out.push_str(before);
        let Some((name, tail)) = after.split_once("#}}") else {
            out.push_str(OPEN);
            rest = after;
            continue;
        };
        match values.get(name) {
            Some(Value::File(_)) => out.push_str("[file]"),
            Some(Value::Array(_, files)) => out.push_str(&format!("[{} files]", files.len())),
            Some(value) => out.push_str(&value.text()),
            None => {}
        }
        rest = tail;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests;
