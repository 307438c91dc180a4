//! `code`: a function of the user's own.

mod output;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use async_trait::async_trait;
use indexmap::IndexMap;
use output::OutputType;
use ox_dsl::graph::NodeSpec;
use ox_engine::{BuiltNode, Node, NodeContext, NodeFailure, NodeOutput};
use ox_sandbox::{CodeError, CodeRequest, Language};
use ox_types::{Json, Value, ValueType};
use serde::Deserialize;
use serde_json::json;

use crate::{NodeKind, PortError, Ports, config, config::NamedSelector, kind::pure, ports};

#[derive(Deserialize)]
struct Config {
    #[serde(default, deserialize_with = "config::nullable")]
    variables: Vec<NamedSelector>,
    code_language: Language,
    code: String,
    #[serde(default, deserialize_with = "config::nullable")]
    outputs: IndexMap<String, OutputConfig>,
}

#[derive(Deserialize)]
struct OutputConfig {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    children: Option<IndexMap<String, OutputConfig>>,
}

pub struct Code;

impl NodeKind for Code {
    fn kind(&self) -> &'static str {
        "code"
    }

    fn default_config(&self) -> Json {
        json!({
            "variables": [],
            "code_language": "javascript",
            "code": "function main() {\n  return {result: \"\"}\n}\n",
            "outputs": {"result": {"type": "string", "children": null}},
        })
    }

    fn build(&self, spec: &NodeSpec, ports: &Arc<Ports>) -> Result<BuiltNode, String> {
        let config: Config = config::read(spec)?;
        let outputs = output::read_types(config.outputs)?;
        let runner = Runner {
            variables: config.variables,
            language: config.code_language,
            code: config.code,
            outputs,
            ports: Arc::clone(ports),
        };
        Ok(BuiltNode { retryable: true, ..pure(runner) })
    }
}

struct Runner {
    variables: Vec<NamedSelector>,
    language: Language,
    code: String,
    outputs: IndexMap<String, OutputType>,
    ports: Arc<Ports>,
}

impl Runner {
    async fn request(&self, cx: &NodeContext, inputs: &IndexMap<String, Value>) -> Result<CodeRequest, PortError> {
        let rules = match self.language {
            // It has no network.
            Language::JavaScript => None,
            Language::Python3 => self.ports.http.of(&cx.run, &cx.node.id).await?.rules(),
        };
        Ok(CodeRequest {
            caller: ports::caller(&cx.run, &cx.node.id),
            rules,
            language: self.language,
            code: self.code.clone(),
            inputs: inputs.iter().map(|(name, value)| (name.clone(), value.to_json())).collect(),
            limits: self.ports.limits.code(),
        })
    }
}

#[async_trait]
impl Node for Runner {
    async fn run(&self, cx: NodeContext) -> Result<NodeOutput, Box<NodeFailure>> {
        let value = |selector: &[String]| match cx.pool.get(selector) {
            // Compat: code sees an empty list of files as null.
            Some(Value::Array(ValueType::ArrayFile, files)) if files.is_empty() => Value::None,
            found => found.unwrap_or_default(),
        };
        let inputs: IndexMap<String, Value> = self
            .variables
            .iter()
            .map(|variable| (variable.variable.clone(), value(&variable.value_selector)))
            .collect();
        let fail = |error_type: &str, text: String| {
            let mut failure = NodeFailure::new(error_type, text);
            failure.inputs = inputs.clone();
            failure
        };
        let request = self.request(&cx, &inputs).await;
        let request = request.map_err(|error| fail("CodeExecutionError", error.to_string()))?;
        let result = self.ports.code.run(request).await.map_err(|error| {
            let mut failure = fail("CodeExecutionError", error.to_string());
            failure.retry_useless = matches!(error, CodeError::Off(_) | CodeError::Unsupported(_));
            failure
        })?;
        let outputs = output::check(&result.result, &self.outputs, &self.ports.limits)
            .map_err(|error| fail(error.kind, error.text))?;
        Ok(NodeOutput { inputs, outputs, ..NodeOutput::default() })
    }
}
