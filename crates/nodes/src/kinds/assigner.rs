//! `assigner`: changes conversation, loop and other variables. Two versions with different fields.

mod operation;
mod version1;
mod version2;

use std::sync::Arc;

use indexmap::IndexMap;
use ox_dsl::graph::NodeSpec;
use ox_engine::{BuiltNode, Effect, NodeOutput, Selector};
use ox_types::{Json, Object, Value};
use serde_json::json;

use crate::{NodeKind, Ports, kind::pure};

/// Key of the trace under which the platform finds what to keep of a conversation.
const UPDATED: &str = "__updated_variables";

pub struct Assigner;

impl NodeKind for Assigner {
    fn kind(&self) -> &'static str {
        "assigner"
    }

    fn default_config(&self) -> Json {
        json!({"version": "2", "items": []})
    }

    fn build(&self, spec: &NodeSpec, _ports: &Arc<Ports>) -> Result<BuiltNode, String> {
        let (assigns, node) = if spec.version == "1" {
            let runner = version1::Runner::read(spec)?;
            (runner.assigns(), pure(runner))
        } else {
            // Compat: an unknown version is the newest one.
            let runner = version2::Runner::read(spec)?;
            (runner.assigns(), pure(runner))
        };
        Ok(BuiltNode { assigns, effect: Effect::Pure, ..node })
    }
}

/// The result of both versions.
fn output(inputs: IndexMap<String, Value>, updates: Vec<(Selector, Value)>, name_values: bool) -> NodeOutput {
    let mut process_data = IndexMap::new();
    let mut updated = Vec::with_capacity(updates.len());
    for (selector, value) in &updates {
        let name = selector.get(1).map_or("", String::as_str);
        if name_values {
            process_data.insert(name.to_owned(), value.clone());
        }
        updated.push(Value::object(Object::from_iter([
            ("name".to_owned(), Value::from(name)),
            (
                "selector".to_owned(),
                Value::array(selector.iter().take(2).map(|part| Value::from(part.as_str())).collect()),
            ),
            ("value_type".to_owned(), Value::from(value.value_type().as_str())),
            ("new_value".to_owned(), value.clone()),
        ])));
    }
    process_data.insert(UPDATED.to_owned(), Value::array(updated));
    NodeOutput { inputs, process_data, updates, ..NodeOutput::default() }
}
