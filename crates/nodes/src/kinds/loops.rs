//! `loop`, `loop-start` and `loop-end`: rounds of a child graph. The engine drives them.

use std::sync::Arc;

use indexmap::IndexMap;
use ox_dsl::graph::NodeSpec;
use ox_engine::{BuiltNode, ContainerPlan, LoopLogic, LoopPlan, NodeFailure, Pool};
use ox_types::{Json, Value, ValueType};
use serde::Deserialize;
use serde_json::json;

use crate::{
    NodeKind, Ports,
    condition::{self, Condition, Logic},
    config,
};

#[derive(Deserialize)]
struct Config {
    #[serde(default, deserialize_with = "config::nullable")]
    start_node_id: String,
    loop_count: u32,
    #[serde(default, deserialize_with = "config::nullable")]
    break_conditions: Vec<Condition>,
    #[serde(default, deserialize_with = "config::nullable")]
    logical_operator: Logic,
    #[serde(default, deserialize_with = "config::nullable")]
    loop_variables: Vec<LoopVariable>,
}

#[derive(Deserialize)]
struct LoopVariable {
    label: String,
    var_type: ValueType,
    #[serde(default = "constant")]
    value_type: Source,
    #[serde(default)]
    value: Json,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Source {
    Variable,
    Constant,
}

const fn constant() -> Source {
    Source::Constant
}

pub struct Loop;

impl NodeKind for Loop {
    fn kind(&self) -> &'static str {
        "loop"
    }

    fn default_config(&self) -> Json {
        json!({
            "start_node_id": "",
            "loop_count": 10,
            "break_conditions": [],
            "logical_operator": "and",
            "loop_variables": [],
        })
    }

    fn build(&self, spec: &NodeSpec, _ports: &Arc<Ports>) -> Result<BuiltNode, String> {
        let config: Config = config::read(spec)?;
        if config.loop_count == 0 {
            return Err("loop_count must be at least 1".into());
        }
        let (start_node_id, count) = (config.start_node_id.clone(), config.loop_count);
        Ok(BuiltNode::container(ContainerPlan::Loop(LoopPlan { start_node_id, count, logic: Arc::new(config) })))
    }
}

impl LoopLogic for Config {
    fn variables(&self, pool: &Pool) -> Result<IndexMap<String, Value>, Box<NodeFailure>> {
        let value = |variable: &LoopVariable| {
            let value = match variable.value_type {
                Source::Variable => selected(variable, pool),
                Source::Constant => literal(&variable.value, variable.var_type),
            };
            value.ok_or_else(|| {
                NodeFailure::new("ValueError", format!("Invalid value for loop variable {}", variable.label))
            })
        };
        self.loop_variables.iter().map(|variable| Ok((variable.label.clone(), value(variable)?))).collect()
    }

    fn should_break(&self, pool: &Pool) -> Result<bool, Box<NodeFailure>> {
        if self.break_conditions.is_empty() {
            return Ok(false);
        }
        let evaluation = condition::evaluate(pool, &self.break_conditions, self.logical_operator);
        evaluation.map(|evaluation| evaluation.outcome).map_err(|why| NodeFailure::new("ValueError", why))
    }
}

fn selected(variable: &LoopVariable, pool: &Pool) -> Option<Value> {
    let selector: Vec<String> = serde_json::from_value(variable.value.clone()).ok()?;
    pool.get(&selector)
}

/// A constant; texts stand for what JSON reads in them where the type is not text.
fn literal(value: &Json, declared: ValueType) -> Option<Value> {
    match declared {
        ValueType::ArrayString | ValueType::ArrayNumber | ValueType::ArrayObject => match value {
            Json::String(text) if !text.trim().is_empty() => parsed(text, declared),
            Json::Array(_) => Value::typed(value, declared).ok(),
            // Compat: anything else is the empty list.
            _ => declared.zero(),
        },
        _ => Value::typed(value, declared).ok().or_else(|| parsed(value.as_str()?, declared)),
    }
}

fn parsed(text: &str, declared: ValueType) -> Option<Value> {
    Value::typed(&serde_json::from_str(text).ok()?, declared).ok()
}

pub struct LoopStart;

impl NodeKind for LoopStart {
    fn kind(&self) -> &'static str {
        "loop-start"
    }

    fn default_config(&self) -> Json {
        json!({})
    }

    fn build(&self, _spec: &NodeSpec, _ports: &Arc<Ports>) -> Result<BuiltNode, String> {
        Ok(BuiltNode::container_start())
    }
}

pub struct LoopEnd;

impl NodeKind for LoopEnd {
    fn kind(&self) -> &'static str {
        "loop-end"
    }

    fn default_config(&self) -> Json {
        json!({})
    }

    fn build(&self, _spec: &NodeSpec, _ports: &Arc<Ports>) -> Result<BuiltNode, String> {
        Ok(BuiltNode::loop_end())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants() {
        for (value, declared, expected) in [
            (json!("0"), "number", Some(json!(0))),
            (json!(1.5), "number", Some(json!(1.5))),
            (json!("x"), "number", None),
            (json!("x"), "string", Some(json!("x"))),
            (json!(""), "string", Some(json!(""))),
            (json!("[1,2]"), "array[number]", Some(json!([1, 2]))),
            (json!("[\"a\"]"), "array[number]", None),
            (json!(""), "array[string]", Some(json!([]))),
            (json!(null), "array[object]", Some(json!([]))),
            (json!("[{\"a\":1}]"), "array[object]", Some(json!([{"a": 1}]))),
            (json!([true]), "array[boolean]", Some(json!([true]))),
            (json!("{\"a\":1}"), "object", Some(json!({"a": 1}))),
            (json!("true"), "boolean", Some(json!(true))),
            (json!(null), "string", None),
        ] {
            let got = literal(&value, ValueType::parse(declared).unwrap()).map(|value| value.to_json());
            assert_eq!(got, expected, "{value} {declared}");
        }
    }
}
