//! `agent`: lets a strategy work on a task with models and tools.

#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use indexmap::IndexMap;
use ox_dsl::graph::NodeSpec;
use ox_engine::{BuiltNode, Effect, Node, NodeClass, NodeContext, NodeFailure, NodeOutput, Pool};
use ox_models::ModelKind;
use ox_types::{Json, Value};
use serde::Deserialize;
use serde_json::{Map, json};

use crate::{
    AgentInvocation, NodeKind, Ports,
    arguments::{self, Arguments},
    calls::{self, Answer, Reading},
    config,
    memory::{self, Memory, Recalled},
    model::{self, LeftOut, ModelConfig},
    python,
};

const CLASS: &str = "AgentInvocationError";

#[derive(Deserialize)]
struct Config {
    #[serde(default, deserialize_with = "config::nullable")]
    agent_strategy_provider_name: String,
    #[serde(default, deserialize_with = "config::nullable")]
    agent_strategy_name: String,
    #[serde(default, deserialize_with = "arguments::read")]
    agent_parameters: Arguments,
    #[serde(default)]
    memory: Option<Memory>,
    #[serde(default)]
    plugin_unique_identifier: Option<String>,
}

pub struct Agent;

impl NodeKind for Agent {
    fn kind(&self) -> &'static str {
        "agent"
    }

    fn default_config(&self) -> Json {
        json!({
            "agent_strategy_provider_name": "",
            "agent_strategy_name": "",
            "agent_strategy_label": "",
            "agent_parameters": {},
            "tool_node_version": "2",
        })
    }

    fn build(&self, spec: &NodeSpec, ports: &Arc<Ports>) -> Result<BuiltNode, String> {
        let config: Config = config::read(spec)?;
        let runner = Runner { config, ports: Arc::clone(ports) };
        let mut node = BuiltNode::new(NodeClass::Executable, Effect::SideEffect, Arc::new(runner));
        node.streams = vec![vec![spec.id.clone(), calls::TEXT.into()]];
        Ok(node)
    }
}

struct Runner {
    config: Config,
    ports: Arc<Ports>,
}

impl Runner {
    fn parameters(&self, pool: &Pool) -> Result<Map<String, Json>, Box<NodeFailure>> {
        let values = arguments::resolve(&self.config.agent_parameters, pool, "AgentVariableNotFoundError")?;
        let mut parameters = Map::new();
        for (name, value) in values {
            let mut json = value.to_json();
            if let Json::Array(items) = &mut json
                && items.iter().any(is_tool)
            {
                let tools = std::mem::take(items);
                for tool in tools.into_iter().filter(is_enabled) {
                    items.push(prepared(tool, pool)?);
                }
            }
            parameters.insert(name, json);
        }
        Ok(parameters)
    }

    /// The conversation before, as far as the model of the task can take it.
    async fn history(&self, cx: &NodeContext, parameters: &Map<String, Json>) -> Result<Recalled, Box<NodeFailure>> {
        let Some(memory) = &self.config.memory else { return Ok(Recalled::default()) };
        let model = parameters.get("model").map(model_of).unwrap_or_default();
        let reference = model.reference();
        let spec = self.ports.models.describe(&model::scope(cx), &reference, ModelKind::Llm).await;
        let budget = memory::budget(spec.as_deref(), model.max_tokens(), 0);
        memory::recall(memory, &reference, spec.as_deref(), budget, "high", (cx, &self.ports))
            .await
            .map_err(|error| NodeFailure::new("AgentMemoryError", error.to_string()))
    }

    /// What came of the task, the name of its model, and what that had no room for.
    async fn call(&self, cx: &NodeContext) -> Result<(Answer, String, LeftOut), Box<NodeFailure>> {
        let parameters = self.parameters(&cx.pool)?;
        let model = parameters.get("model").map(|model| model_of(model).name).unwrap_or_default();
        let Recalled { messages: history, fit: window } = self.history(cx, &parameters).await?;
        let task = AgentInvocation {
            provider: self.config.agent_strategy_provider_name.clone(),
            strategy: self.config.agent_strategy_name.clone(),
            plugin_unique_identifier: self.config.plugin_unique_identifier.clone().filter(|id| !id.is_empty()),
            parameters,
            history,
            node_run_id: cx.node_run_id,
            node_id: cx.node.id.clone(),
        };
        let stream = self.ports.agents.invoke(&cx.run, task).await;
        let stream = stream.map_err(|error| calls::failure(&error, CLASS))?;
        let reading = Reading {
            cx,
            ports: &self.ports,
            class: CLASS,
            file_class: "ToolFileError",
            variable_class: "AgentVariableError",
            message_class: "AgentMessageTransformError",
            shows_text: true,
        };
        Ok((reading.read(stream).await?, model, LeftOut { window, ..LeftOut::default() }))
    }

    fn metadata(&self) -> BTreeMap<String, Json> {
        let info = json!({"icon": null, "name": self.config.agent_strategy_name});
        BTreeMap::from([("tool_info".to_owned(), info)])
    }
}

/// The model a task names: like a node's, but its name stands in `model`.
fn model_of(json: &Json) -> ModelConfig {
    let mut json = json.clone();
    if let Some(fields) = json.as_object_mut()
        && !fields.contains_key("name")
        && let Some(name) = fields.get("model").cloned()
    {
        fields.insert("name".into(), name);
    }
    serde_json::from_value(json).unwrap_or_default()
}

fn is_tool(json: &Json) -> bool {
    json.get("tool_name").is_some_and(Json::is_string)
}

fn is_enabled(tool: &Json) -> bool {
    tool.get("enabled").and_then(Json::as_bool).unwrap_or(false)
}

/// A tool as strategies take it: what the user fixed has its value, what the model chooses is null, settings are
/// plain values.
fn prepared(mut tool: Json, pool: &Pool) -> Result<Json, Box<NodeFailure>> {
    let Some(fields) = tool.as_object_mut() else { return Ok(tool) };
    fields.shift_remove("schemas");
    if let Some(Json::Object(parameters)) = fields.get_mut("parameters")
        && parameters.values().all(Json::is_object)
    {
        for parameter in parameters.values_mut() {
            *parameter = fixed(parameter, pool)?;
        }
    }
    if let Some(Json::Object(settings)) = fields.get_mut("settings") {
        for setting in settings.values_mut().filter(|setting| setting.is_object()) {
            *setting = setting.get("value").cloned().unwrap_or_default();
        }
    }
    Ok(tool)
}

fn fixed(parameter: &Json, pool: &Pool) -> Result<Json, Box<NodeFailure>> {
    let is_auto = match parameter.get("auto") {
        None | Some(Json::Null) => true,
        Some(Json::Bool(auto)) => *auto,
        Some(auto) => auto.as_i64() != Some(0),
    };
    let Some(value) = parameter.get("value").filter(|value| !is_auto && !value.is_null()) else {
        return Ok(Json::Null);
    };
    let inner = value.get("value").cloned().unwrap_or_default();
    match value.get("type").and_then(Json::as_str) {
        Some("variable") => {
            let selector: Vec<String> = serde_json::from_value(inner).map_err(|_| {
                NodeFailure::new("AgentInputTypeError", "A variable of a tool must be a list of strings.")
            })?;
            pool.get(&selector).map(|value| value.to_json()).ok_or_else(|| {
                let why = format!("Variable {} does not exist", python::list(&selector));
                NodeFailure::new("AgentVariableNotFoundError", why)
            })
        }
        Some("mixed") => Ok(inner.as_str().map_or(Json::Null, |text| crate::template::text(text, pool).into())),
        _ => Ok(inner),
    }
}

#[async_trait]
impl Node for Runner {
    async fn run(&self, cx: NodeContext) -> Result<NodeOutput, Box<NodeFailure>> {
        let inputs = arguments::shown(&self.config.agent_parameters, &cx.pool);
        let mut metadata = self.metadata();
        let (mut answer, asked, left_out) = match self.call(&cx).await {
            Ok(done) => done,
            Err(mut failure) => {
                (failure.inputs, failure.metadata) = (inputs, metadata);
                return Err(failure);
            }
        };
        let usage = answer.usage.take().unwrap_or_default();
        metadata.extend(model::metadata(&usage));
        let log = answer.log(&cx);
        if let Json::Array(steps) = &log {
            // The steps come before what the strategy itself gave.
            let given =
                if answer.json.is_empty() { vec![json!({"data": []})] } else { std::mem::take(&mut answer.json) };
            answer.json = steps.iter().cloned().chain(given).collect();
        }
        metadata.insert("agent_log".into(), log);
        let given = answer.outputs();
        let mut outputs = IndexMap::with_capacity(given.len() + 1);
        for (name, value) in given {
            let is_text = name == calls::TEXT;
            outputs.insert(name, value);
            if is_text {
                outputs.insert("usage".to_owned(), Value::from_json_plain(&usage.to_json()));
            }
        }
        let mut process_data = usage.served_json().map_or_else(IndexMap::new, |served| {
            IndexMap::from_iter([
                ("model_name".to_owned(), Value::from(asked)),
                ("answered_by".to_owned(), Value::from_json_plain(&served)),
            ])
        });
        left_out.tell(&mut process_data);
        let usage = Some(model::engine_usage(&usage));
        Ok(NodeOutput { inputs, process_data, outputs, metadata, usage, ..NodeOutput::default() })
    }
}
