//! `code`: a function of the user's own.

mod output;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use indexmap::IndexMap;
use output::OutputType;
use ox_dsl::graph::NodeSpec;
use ox_engine::{BuiltNode, Node, NodeContext, NodeFailure, NodeOutput};
use ox_sandbox::{CodeError, CodeLimits, CodeRequest, Language};
use ox_types::{Json, TenantId, Value, ValueType};
use serde::Deserialize;
use serde_json::json;

use crate::{NodeKind, Ports, config, config::NamedSelector, kind::pure};

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
    fn request(&self, workspace: &TenantId, inputs: &IndexMap<String, Value>) -> CodeRequest {
        let limits = &self.ports.limits;
        CodeRequest {
            workspace: workspace.to_string(),
            language: self.language,
            code: self.code.clone(),
            inputs: inputs.iter().map(|(name, value)| (name.clone(), value.to_json())).collect(),
            limits: CodeLimits {
                timeout: Duration::from_secs(limits.code_timeout_seconds),
                memory_bytes: limits.code_memory_mib << 20,
                output_bytes: limits.code_output_kib << 10,
            },
        }
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
        let result = self.ports.code.run(self.request(&cx.run.tenant_id, &inputs)).await.map_err(|error| {
            let mut failure = fail("CodeExecutionError", error.to_string());
            failure.retry_useless = matches!(error, CodeError::Off(_) | CodeError::Unsupported(_));
            failure
        })?;
        let outputs = output::check(&result.result, &self.outputs, &self.ports.limits)
            .map_err(|error| fail(error.kind, error.text))?;
        Ok(NodeOutput { inputs, outputs, ..NodeOutput::default() })
    }
}
