//! `variable-aggregator`: the first of several variables that has a value.

use std::sync::Arc;

use async_trait::async_trait;
use ox_dsl::graph::NodeSpec;
use ox_engine::{BuiltNode, Node, NodeContext, NodeFailure, NodeOutput, Pool};
use ox_types::{Json, Object, Value};
use serde::Deserialize;
use serde_json::json;

use crate::{NodeKind, Ports, config, kind::pure};

#[derive(Deserialize)]
struct Config {
    #[serde(default, deserialize_with = "config::nullable")]
    variables: Vec<Vec<String>>,
    #[serde(default)]
    advanced_settings: Option<Advanced>,
}

#[derive(Deserialize)]
struct Advanced {
    #[serde(default, deserialize_with = "config::nullable")]
    group_enabled: bool,
    #[serde(default, deserialize_with = "config::nullable")]
    groups: Vec<Group>,
}

#[derive(Deserialize)]
struct Group {
    group_name: String,
    #[serde(default, deserialize_with = "config::nullable")]
    variables: Vec<Vec<String>>,
}

/// Registered under its new name; files call it `variable-assigner` too.
pub struct VariableAggregator;

impl NodeKind for VariableAggregator {
    fn kind(&self) -> &'static str {
        "variable-aggregator"
    }

    fn default_config(&self) -> Json {
        json!({"output_type": "any", "variables": []})
    }

    fn build(&self, spec: &NodeSpec, _ports: &Arc<Ports>) -> Result<BuiltNode, String> {
        let config: Config = config::read(spec)?;
        let groups = config.advanced_settings.filter(|settings| settings.group_enabled).map(|settings| settings.groups);
        Ok(pure(Runner { variables: config.variables, groups }))
    }
}

struct Runner {
    variables: Vec<Vec<String>>,
    groups: Option<Vec<Group>>,
}

/// The first variable that exists; an existing null counts.
fn first<'a>(pool: &Pool, variables: &'a [Vec<String>]) -> Option<(&'a [String], Value)> {
    variables.iter().find_map(|selector| Some((selector.as_slice(), pool.get(selector)?)))
}

/// How the trace names a selector: without its node.
fn name(selector: &[String]) -> String {
    selector.get(1..).unwrap_or_default().join(".")
}

#[async_trait]
impl Node for Runner {
    async fn run(&self, cx: NodeContext) -> Result<NodeOutput, Box<NodeFailure>> {
        let mut output = NodeOutput::default();
        match &self.groups {
            None => {
                if let Some((selector, value)) = first(&cx.pool, &self.variables) {
                    output.inputs.insert(name(selector), value.clone());
                    output.outputs.insert("output".into(), value);
                }
            }
            Some(groups) => {
                for group in groups {
                    if let Some((selector, value)) = first(&cx.pool, &group.variables) {
                        output.inputs.insert(name(selector), value.clone());
                        let wrapped = Value::object(Object::from_iter([("output".to_owned(), value)]));
                        output.outputs.insert(group.group_name.clone(), wrapped);
                    }
                }
            }
        }
        Ok(output)
    }
}
