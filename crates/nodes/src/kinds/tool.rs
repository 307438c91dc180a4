//! `tool`: calls a tool of the workspace.

#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use indexmap::IndexMap;
use ox_dsl::graph::NodeSpec;
use ox_engine::{BuiltNode, Effect, Node, NodeClass, NodeContext, NodeFailure, NodeOutput};
use ox_types::{Json, Value};
use serde::Deserialize;
use serde_json::{Map, json};

use crate::{
    CallError, NodeKind, Ports, ToolDeclaration, ToolInvocation, ToolName,
    arguments::{self, Arguments},
    calls::{self, Answer, Reading},
    config, media, model,
};

const CLASS: &str = "ToolNodeError";

#[derive(Deserialize)]
struct Config {
    #[serde(default, deserialize_with = "config::nullable")]
    provider_id: String,
    #[serde(default, deserialize_with = "config::nullable")]
    provider_name: String,
    #[serde(default, deserialize_with = "config::nullable")]
    provider_type: String,
    #[serde(default, deserialize_with = "config::nullable")]
    tool_name: String,
    #[serde(default, deserialize_with = "arguments::read")]
    tool_configurations: Arguments,
    #[serde(default, deserialize_with = "arguments::read")]
    tool_parameters: Arguments,
    #[serde(default)]
    credential_id: Option<String>,
    #[serde(default)]
    plugin_unique_identifier: Option<String>,
}

pub struct Tool;

impl NodeKind for Tool {
    fn kind(&self) -> &'static str {
        "tool"
    }

    fn default_config(&self) -> Json {
        json!({
            "provider_id": "",
            "provider_name": "",
            "provider_type": "builtin",
            "tool_name": "",
            "tool_label": "",
            "tool_configurations": {},
            "tool_parameters": {},
            "tool_node_version": "2",
        })
    }

    fn build(&self, spec: &NodeSpec, ports: &Arc<Ports>) -> Result<BuiltNode, String> {
        let config: Config = config::read(spec)?;
        let runner = Runner { config, ports: Arc::clone(ports) };
        let mut node = BuiltNode::new(NodeClass::Executable, Effect::SideEffect, Arc::new(runner));
        node.retryable = true;
        node.streams = vec![vec![spec.id.clone(), calls::TEXT.into()]];
        Ok(node)
    }
}

struct Runner {
    config: Config,
    ports: Arc<Ports>,
}

impl Runner {
    fn name(&self) -> ToolName {
        let config = &self.config;
        ToolName {
            provider_type: config.provider_type.clone(),
            provider_id: config.provider_id.clone(),
            provider_name: config.provider_name.clone(),
            tool: config.tool_name.clone(),
            credential_id: config.credential_id.clone().filter(|id| !id.is_empty()),
            plugin_unique_identifier: config.plugin_unique_identifier.clone().filter(|id| !id.is_empty()),
        }
    }

    fn metadata(&self) -> BTreeMap<String, Json> {
        let info = json!({
            "provider_type": self.config.provider_type,
            "provider_id": self.config.provider_id,
            "plugin_unique_identifier": self.config.plugin_unique_identifier,
        });
        BTreeMap::from([("tool_info".to_owned(), info)])
    }

    /// Values for the tool. What it does not declare is null.
    fn parameters(
        &self,
        cx: &NodeContext,
        declaration: &ToolDeclaration,
    ) -> Result<IndexMap<String, Value>, Box<NodeFailure>> {
        let mut values = arguments::resolve(&self.config.tool_parameters, &cx.pool, "ToolParameterError")?;
        for (name, value) in &mut values {
            match declaration.parameters.iter().find(|parameter| parameter.name == *name) {
                None => *value = Value::None,
                Some(parameter) if matches!(parameter.kind.as_str(), "files" | "system-files") => {
                    *value = Value::array(media::files_of(value));
                }
                Some(_) => {}
            }
        }
        Ok(values)
    }

    async fn call(&self, cx: &NodeContext) -> Result<Answer, Box<NodeFailure>> {
        let name = self.name();
        let prefixed = |what: &str, error: CallError| {
            let text = format!("{what}: {error}");
            calls::failure(&CallError { text, ..error }, CLASS)
        };
        let declaration = self.ports.tools.describe(&cx.run, &name).await;
        let declaration = declaration.map_err(|error| prefixed("Failed to get tool runtime", error))?;
        let parameters = to_map(self.parameters(cx, &declaration)?);
        let settings = arguments::resolve(&self.config.tool_configurations, &cx.pool, "ToolParameterError")?;
        let settings = to_map(settings.into_iter().filter(|(_, value)| !value.is_none()).collect());
        let invocation = ToolInvocation {
            tool: name,
            parameters,
            settings,
            node_run_id: cx.node_run_id,
            node_id: cx.node.id.clone(),
        };
        let stream = self.ports.tools.invoke(&cx.run, invocation).await;
        let stream = stream.map_err(|error| prefixed("Failed to invoke tool", error))?;
        let reading = Reading {
            cx,
            ports: &self.ports,
            class: CLASS,
            file_class: "ToolFileError",
            variable_class: CLASS,
            message_class: CLASS,
            shows_text: true,
        };
        reading.read(stream).await.map_err(|mut failure| {
            if failure.error_type != "ToolFileError" {
                failure.error = format!("Failed to invoke tool: {}", failure.error);
            }
            failure
        })
    }
}

fn to_map(values: IndexMap<String, Value>) -> Map<String, Json> {
    values.into_iter().map(|(name, value)| (name, value.to_json())).collect()
}

#[async_trait]
impl Node for Runner {
    async fn run(&self, cx: NodeContext) -> Result<NodeOutput, Box<NodeFailure>> {
        let inputs = arguments::shown(&self.config.tool_parameters, &cx.pool);
        let mut metadata = self.metadata();
        let mut answer = match self.call(&cx).await {
            Ok(answer) => answer,
            Err(mut failure) => {
                (failure.inputs, failure.metadata) = (inputs, metadata);
                return Err(failure);
            }
        };
        if !answer.logs.is_empty() {
            metadata.insert("agent_log".into(), answer.log(&cx));
        }
        let usage = answer.usage.take();
        if let Some(usage) = &usage {
            metadata.extend(model::metadata(usage));
        }
        let outputs = answer.outputs();
        let usage = usage.as_ref().map(model::engine_usage);
        Ok(NodeOutput { inputs, outputs, metadata, usage, ..NodeOutput::default() })
    }
}
