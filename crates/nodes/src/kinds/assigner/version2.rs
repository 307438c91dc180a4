//! The second assigner: a list of operations; all of them happen, or none.

use async_trait::async_trait;
use indexmap::IndexMap;
use ox_dsl::graph::NodeSpec;
use ox_engine::{Node, NodeContext, NodeFailure, NodeOutput, Pool, Selector};
use ox_types::{Json, Value, python_str};
use serde::Deserialize;

use super::operation::{InputType, Operation};
use crate::{config, python};

#[derive(Deserialize)]
struct Config {
    #[serde(default, deserialize_with = "config::nullable")]
    items: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    variable_selector: Vec<String>,
    input_type: InputType,
    operation: Operation,
    #[serde(default)]
    value: Json,
}

/// Class name and text of a failure.
type Refusal = (&'static str, String);

pub struct Runner {
    config: Config,
    shown: Value,
}

impl Runner {
    pub fn read(spec: &NodeSpec) -> Result<Self, String> {
        let shown = spec.data.get("items").map_or_else(|| Value::array(Vec::new()), Value::from_json_plain);
        Ok(Self { config: config::read(spec)?, shown })
    }

    pub fn assigns(&self) -> Vec<Selector> {
        self.config.items.iter().map(|item| item.variable_selector.clone()).collect()
    }

    /// The last value of each target, in the order of their first change.
    fn apply(&self, mut pool: Pool) -> Result<Vec<(Selector, Value)>, Refusal> {
        let mut updates: IndexMap<Selector, Value> = IndexMap::new();
        for item in &self.config.items {
            if let Some(value) = item.apply(&pool)? {
                if let [node, name] = item.variable_selector.as_slice() {
                    pool.set(node, name, value.clone());
                }
                updates.insert(item.variable_selector.clone(), value);
            }
        }
        Ok(updates.into_iter().collect())
    }
}

fn missing(selector: &[String]) -> Refusal {
    ("VariableNotFoundError", format!("Variable {} not found", python::list(selector)))
}

fn invalid(value: &Value) -> Refusal {
    let shown = if value.is_none() { "None".to_owned() } else { python_str(value) };
    ("InvalidInputValueError", format!("Invalid input value {shown}"))
}

impl Item {
    /// The target's new value; nothing when the source is null.
    fn apply(&self, pool: &Pool) -> Result<Option<Value>, Refusal> {
        let target = pool.get(&self.variable_selector).filter(|_| self.variable_selector.len() == 2);
        let target = target.ok_or_else(|| missing(&self.variable_selector))?;
        let (operation, kind) = (self.operation, target.value_type());
        if !operation.fits(kind) {
            let text = format!("Operation {} is not supported for type {}", operation.as_str(), type_name(&target));
            return Err(("OperationNotSupportedError", text));
        }
        if !operation.takes(self.input_type, kind) {
            let input = self.input_type.as_str();
            let text = format!("Input type {input} is not supported for operation {}", operation.as_str());
            return Err(("InputTypeNotSupportedError", text));
        }
        let value = match self.input_type {
            _ if !operation.needs_value() => Value::None,
            InputType::Variable => match self.source(pool)? {
                Value::None => return Ok(None),
                value => value,
            },
            InputType::Constant => operation.read_constant(&self.value, kind),
        };
        operation.apply(&target, &value).map(Some).ok_or_else(|| invalid(&value))
    }

    fn source(&self, pool: &Pool) -> Result<Value, Refusal> {
        let selector: Vec<String> =
            serde_json::from_value(self.value.clone()).map_err(|_| invalid(&Value::from_json_plain(&self.value)))?;
        pool.get(&selector).ok_or_else(|| missing(&selector))
    }
}

/// Integers and floats are both `number` to the user.
fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Int(_) | Value::Float(_) => "number",
        other => other.value_type().as_str(),
    }
}

#[async_trait]
impl Node for Runner {
    async fn run(&self, cx: NodeContext) -> Result<NodeOutput, Box<NodeFailure>> {
        let inputs = IndexMap::from_iter([("items".to_owned(), self.shown.clone())]);
        match self.apply(cx.pool) {
            Ok(updates) => Ok(super::output(inputs, updates, true)),
            Err((kind, text)) => {
                let mut failure = NodeFailure::new(kind, text);
                failure.inputs = inputs;
                Err(failure)
            }
        }
    }
}

#[cfg(test)]
mod tests;
