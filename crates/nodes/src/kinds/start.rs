//! `start`: where the user's input enters.

use std::sync::Arc;

use async_trait::async_trait;
use ox_dsl::graph::NodeSpec;
use ox_engine::{BuiltNode, Effect, Node, NodeClass, NodeContext, NodeFailure, NodeOutput};
use ox_text::schema::{Schema, SchemaError};
use ox_types::{Json, Value};
use serde::Deserialize;
use serde_json::json;

use crate::{NodeKind, Ports, config};

/// System variables that the start node shows, in the order of the compatible system.
const SYSTEM_VARIABLES: &[&str] = &[
    "user_id",
    "app_id",
    "workflow_id",
    "workflow_run_id",
    "files",
    "query",
    "conversation_id",
    "dialogue_count",
    "timestamp",
    "invoke_from",
    "document_id",
    "original_document_id",
    "dataset_id",
    "batch",
    "datasource_type",
    "datasource_info",
];

#[derive(Deserialize)]
struct Config {
    #[serde(default, deserialize_with = "config::nullable")]
    variables: Vec<Variable>,
}

#[derive(Deserialize)]
struct Variable {
    variable: String,
    #[serde(rename = "type", default)]
    kind: Option<String>,
    #[serde(default, deserialize_with = "config::nullable")]
    required: bool,
    #[serde(default)]
    json_schema: Json,
}

pub struct Start;

impl NodeKind for Start {
    fn kind(&self) -> &'static str {
        "start"
    }

    fn default_config(&self) -> Json {
        json!({"variables": []})
    }

    fn build(&self, spec: &NodeSpec, _ports: &Arc<Ports>) -> Result<BuiltNode, String> {
        let config: Config = config::read(spec)?;
        let inputs: Result<Vec<Input>, String> = config.variables.into_iter().map(Input::new).collect();
        Ok(BuiltNode::new(NodeClass::Root, Effect::Pure, Arc::new(Runner { inputs: inputs? })))
    }
}

struct Input {
    name: String,
    required: bool,
    is_json: bool,
    schema: Option<Schema>,
}

impl Input {
    fn new(variable: Variable) -> Result<Self, String> {
        let name = variable.variable;
        let wrong = |why: String| format!("json_schema of the variable {name}: {why}");
        let schema = match variable.json_schema {
            Json::Null => None,
            Json::String(text) if text.trim().is_empty() => None,
            Json::String(text) => Some(serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?),
            other => Some(other),
        };
        let schema = schema.map(|schema: Json| Schema::new(&schema)).transpose();
        let schema = schema.map_err(|error| wrong(error.to_string()))?;
        Ok(Self { is_json: variable.kind.as_deref() == Some("json_object"), required: variable.required, schema, name })
    }

    /// The rules of JSON inputs; all others were checked when the run was asked for.
    fn check(&self, value: &Value) -> Result<(), String> {
        let name = &self.name;
        if !self.is_json {
            return Ok(());
        }
        if value.is_none() {
            return if self.required { Err(format!("{name} is required in input form")) } else { Ok(()) };
        }
        if value.as_object().is_none() {
            return Err(format!("JSON object for '{name}' must be an object"));
        }
        let Some(schema) = &self.schema else { return Ok(()) };
        schema.validate(&value.to_json()).map_err(|error| {
            let first = match error {
                SchemaError::Mismatch(problems) => problems.into_iter().next().unwrap_or_default(),
                SchemaError::Schema(why) => why,
            };
            format!("JSON object for '{name}' does not match schema: {first}")
        })
    }
}

struct Runner {
    inputs: Vec<Input>,
}

#[async_trait]
impl Node for Runner {
    async fn run(&self, cx: NodeContext) -> Result<NodeOutput, Box<NodeFailure>> {
        let mut output = NodeOutput::default();
        for input in &self.inputs {
            let value = cx.pool.get(&[cx.node.id.as_str(), input.name.as_str()]).unwrap_or_default();
            input.check(&value).map_err(|why| NodeFailure::new("ValueError", why))?;
            output.inputs.insert(input.name.clone(), value.clone());
            output.outputs.insert(input.name.clone(), value);
        }
        for name in SYSTEM_VARIABLES {
            if let Some(value) = cx.pool.get(&["sys", name]) {
                output.outputs.insert(format!("sys.{name}"), value);
            }
        }
        Ok(output)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_inputs_are_checked() {
        let input = |extra: Json| {
            let mut variable = json!({"variable": "v", "type": "json_object", "required": true});
            variable.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
            Input::new(serde_json::from_value(variable).unwrap())
        };
        let schema = json!({"json_schema": {"type": "object", "required": ["a"]}});
        let as_text = json!({"json_schema": "{\"type\":\"object\",\"required\":[\"a\"]}"});
        for (config, value, expected) in [
            (json!({}), json!({"a": 1}), Ok(())),
            (json!({}), json!(null), Err("v is required in input form")),
            (json!({"required": false}), json!(null), Ok(())),
            (json!({}), json!("text"), Err("JSON object for 'v' must be an object")),
            (schema.clone(), json!({"a": 1}), Ok(())),
            (schema, json!({}), Err("JSON object for 'v' does not match schema: \"a\" is a required property")),
            (as_text, json!({}), Err("JSON object for 'v' does not match schema: \"a\" is a required property")),
            (json!({"type": "text-input"}), json!(null), Ok(())),
        ] {
            let got = input(config).unwrap().check(&Value::from_json(&value));
            assert_eq!(got, expected.map_err(str::to_owned), "{value}");
        }
        assert!(input(json!({"json_schema": {"type": "what"}})).is_err());
        assert!(input(json!({"json_schema": "{"})).is_err());
    }
}
