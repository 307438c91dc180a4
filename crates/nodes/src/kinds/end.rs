//! `end`: the result of a workflow.

use std::sync::Arc;

use async_trait::async_trait;
use indexmap::IndexMap;
use ox_dsl::graph::NodeSpec;
use ox_engine::{BuiltNode, Effect, Node, NodeClass, NodeContext, NodeFailure, NodeOutput, ResponsePart};
use ox_types::{Json, Value, ValueType};
use serde::Deserialize;
use serde_json::json;

use crate::{NodeKind, Ports, config};

#[derive(Deserialize)]
struct Config {
    #[serde(default, deserialize_with = "config::nullable")]
    outputs: Vec<Output>,
}

#[derive(Deserialize)]
struct Output {
    variable: String,
    #[serde(default, deserialize_with = "config::nullable")]
    value_selector: Vec<String>,
    /// Compat: old files have none, some editors wrote `Array[String]`.
    #[serde(default)]
    value_type: Option<String>,
}

pub struct End;

impl NodeKind for End {
    fn kind(&self) -> &'static str {
        "end"
    }

    fn default_config(&self) -> Json {
        json!({"outputs": []})
    }

    fn build(&self, spec: &NodeSpec, _ports: &Arc<Ports>) -> Result<BuiltNode, String> {
        let config: Config = config::read(spec)?;
        for output in &config.outputs {
            let name = output.value_type.as_deref().unwrap_or("any").to_lowercase();
            let known = name.is_empty() || ValueType::parse(&name).is_some();
            if !known {
                return Err(format!("output {}: unknown value_type {name:?}", output.variable));
            }
        }
        let mut response = Vec::new();
        for output in &config.outputs {
            if !response.is_empty() {
                response.push(ResponsePart::Text("\n".into()));
            }
            response.push(ResponsePart::Variable(output.value_selector.clone()));
        }
        let mut node = BuiltNode::new(NodeClass::Response, Effect::Pure, Arc::new(Runner { outputs: config.outputs }));
        node.response = response;
        Ok(node)
    }
}

struct Runner {
    outputs: Vec<Output>,
}

#[async_trait]
impl Node for Runner {
    async fn run(&self, cx: NodeContext) -> Result<NodeOutput, Box<NodeFailure>> {
        let value = |output: &Output| cx.pool.get(&output.value_selector).unwrap_or_default();
        let outputs: IndexMap<String, Value> =
            self.outputs.iter().map(|output| (output.variable.clone(), value(output))).collect();
        Ok(NodeOutput { inputs: outputs.clone(), outputs, ..NodeOutput::default() })
    }
}
