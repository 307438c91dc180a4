//! The first assigner: one target, one source, three modes.

use std::sync::Arc;

use async_trait::async_trait;
use indexmap::IndexMap;
use ox_dsl::graph::NodeSpec;
use ox_engine::{Node, NodeContext, NodeFailure, NodeOutput, Pool, Selector};
use ox_types::Value;
use serde::Deserialize;

use crate::config;

#[derive(Deserialize)]
struct Config {
    assigned_variable_selector: Vec<String>,
    write_mode: Mode,
    #[serde(default, deserialize_with = "config::nullable")]
    input_variable_selector: Vec<String>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Mode {
    OverWrite,
    Append,
    Clear,
}

pub struct Runner(Config);

impl Runner {
    pub fn read(spec: &NodeSpec) -> Result<Self, String> {
        config::read(spec).map(Self)
    }

    pub fn assigns(&self) -> Vec<Selector> {
        vec![self.0.assigned_variable_selector.clone()]
    }

    /// What is shown as input, and the target's new value.
    fn apply(&self, pool: &Pool) -> Result<(Value, Value), &'static str> {
        let target = pool.get(&self.0.assigned_variable_selector).ok_or("assigned variable not found")?;
        let source = || pool.get(&self.0.input_variable_selector).ok_or("input value not found");
        match self.0.write_mode {
            Mode::OverWrite => source().map(|value| (value.clone(), value)),
            Mode::Append => {
                let value = source()?;
                let Value::Array(kind, items) = target else { return Err("append mode requires an array variable") };
                let mut items = Arc::unwrap_or_clone(items);
                items.push(value.clone());
                Ok((value, Value::array_of(kind, items)))
            }
            Mode::Clear => {
                let zero = target.value_type().zero().unwrap_or_default();
                Ok((zero.clone(), zero))
            }
        }
    }
}

#[async_trait]
impl Node for Runner {
    async fn run(&self, cx: NodeContext) -> Result<NodeOutput, Box<NodeFailure>> {
        let (input, value) = self.apply(&cx.pool).map_err(|why| NodeFailure::new("VariableOperatorNodeError", why))?;
        let inputs = IndexMap::from_iter([("value".to_owned(), input)]);
        Ok(super::output(inputs, vec![(self.0.assigned_variable_selector.clone(), value)], false))
    }
}
