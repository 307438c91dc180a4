//! `if-else`: takes the branch of the first case that holds.

use std::sync::Arc;

use async_trait::async_trait;
use indexmap::IndexMap;
use ox_dsl::graph::NodeSpec;
use ox_engine::{BuiltNode, Effect, Node, NodeClass, NodeContext, NodeFailure, NodeOutput, Pool};
use ox_types::{Json, Object, Value, ValueType};
use serde::Deserialize;
use serde_json::json;

use crate::{
    NodeKind, Ports,
    condition::{self, Condition, Logic},
    config,
};

/// The branch taken when no case holds.
const ELSE: &str = "false";

#[derive(Deserialize)]
struct Config {
    #[serde(default)]
    cases: Option<Vec<Case>>,
    /// Compat: the form of the first editors, one case named `true`.
    #[serde(default, deserialize_with = "config::nullable")]
    logical_operator: Logic,
    #[serde(default, deserialize_with = "config::nullable")]
    conditions: Vec<Condition>,
}

#[derive(Deserialize)]
struct Case {
    #[serde(default, deserialize_with = "config::nullable")]
    case_id: String,
    /// Compat: some files have only this.
    #[serde(default, deserialize_with = "config::nullable")]
    id: String,
    #[serde(default, deserialize_with = "config::nullable")]
    logical_operator: Logic,
    #[serde(default, deserialize_with = "config::nullable")]
    conditions: Vec<Condition>,
}

pub struct IfElse;

impl NodeKind for IfElse {
    fn kind(&self) -> &'static str {
        "if-else"
    }

    fn default_config(&self) -> Json {
        json!({"cases": [{"case_id": "true", "logical_operator": "and", "conditions": []}]})
    }

    fn build(&self, spec: &NodeSpec, _ports: &Arc<Ports>) -> Result<BuiltNode, String> {
        let config: Config = config::read(spec)?;
        // Compat: the group of the legacy form is called `default` in the trace. A node that was read from a graph
        // has its conditions as the one case already.
        let conditions = spec.data.get("conditions").filter(|conditions| conditions.is_array());
        let is_upgraded = conditions.is_some() && conditions == spec.data.pointer("/cases/0/conditions");
        let legacy = config.cases.as_ref().is_none_or(|cases| is_upgraded && cases.len() == 1);
        let mut cases = config.cases.unwrap_or_else(|| {
            vec![Case {
                case_id: "true".into(),
                id: String::new(),
                logical_operator: config.logical_operator,
                conditions: config.conditions,
            }]
        });
        for case in &mut cases {
            if case.case_id.is_empty() {
                case.case_id = std::mem::take(&mut case.id);
            }
            if case.case_id.is_empty() {
                return Err("a case has no case_id".into());
            }
        }
        Ok(BuiltNode::new(NodeClass::Branch, Effect::Pure, Arc::new(Runner { cases, legacy })))
    }
}

struct Runner {
    cases: Vec<Case>,
    legacy: bool,
}

impl Runner {
    fn choose(&self, pool: &Pool, trace: &mut Trace) -> Result<Option<String>, String> {
        for case in &self.cases {
            let evaluation = condition::evaluate(pool, &case.conditions, case.logical_operator)?;
            let outcome = evaluation.outcome;
            trace.conditions = evaluation.inputs;
            trace.results.push(Value::object(Object::from_iter([
                ("group".to_owned(), Value::from(if self.legacy { "default" } else { case.case_id.as_str() })),
                (
                    "results".to_owned(),
                    Value::array_of(ValueType::ArrayBoolean, evaluation.results.into_iter().map(Value::Bool).collect()),
                ),
                ("final_result".to_owned(), Value::Bool(outcome)),
            ])));
            if outcome {
                return Ok(Some(case.case_id.clone()));
            }
        }
        Ok(None)
    }
}

#[derive(Default)]
struct Trace {
    conditions: Vec<Value>,
    results: Vec<Value>,
}

impl Trace {
    fn inputs(&self) -> IndexMap<String, Value> {
        IndexMap::from_iter([("conditions".to_owned(), Value::array(self.conditions.clone()))])
    }

    fn process_data(&self) -> IndexMap<String, Value> {
        IndexMap::from_iter([("condition_results".to_owned(), Value::array(self.results.clone()))])
    }
}

#[async_trait]
impl Node for Runner {
    async fn run(&self, cx: NodeContext) -> Result<NodeOutput, Box<NodeFailure>> {
        let mut trace = Trace::default();
        let chosen = self.choose(&cx.pool, &mut trace).map_err(|why| {
            let mut failure = NodeFailure::new("ValueError", why);
            failure.inputs = trace.inputs();
            failure.process_data = trace.process_data();
            failure
        })?;
        let holds = chosen.is_some();
        let chosen = chosen.unwrap_or_else(|| ELSE.to_owned());
        let outputs = IndexMap::from_iter([
            ("result".to_owned(), Value::Bool(holds)),
            ("selected_case_id".to_owned(), Value::from(chosen.as_str())),
        ]);
        Ok(NodeOutput {
            inputs: trace.inputs(),
            process_data: trace.process_data(),
            outputs,
            handle: Some(chosen),
            ..NodeOutput::default()
        })
    }
}
