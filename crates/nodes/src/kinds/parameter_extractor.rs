//! `parameter-extractor`: a model reads values out of a text.

mod extract;
mod prompt;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use async_trait::async_trait;
use extract::Extraction;
use indexmap::IndexMap;
use ox_dsl::graph::NodeSpec;
use ox_engine::{BuiltNode, Effect, Node, NodeClass, NodeContext, NodeFailure, NodeOutput};
use ox_models::{ChatRequest, ChatResult, ModelKind, ModelMode, ModelSpec};
use ox_types::{Json, Value, ValueType};
use serde::{Deserialize, Deserializer};
use serde_json::json;

use crate::{
    NodeKind, Ports, config,
    media::{self, Vision},
    memory::{self, Memory},
    model::{self, LeftOut, ModelConfig, Prompt, Question},
    reasoning, template,
};

#[derive(Deserialize)]
struct Config {
    model: ModelConfig,
    #[serde(default, deserialize_with = "config::nullable")]
    query: Vec<String>,
    #[serde(default, deserialize_with = "config::nullable")]
    parameters: Vec<Parameter>,
    #[serde(default, deserialize_with = "config::nullable")]
    instruction: String,
    #[serde(default)]
    memory: Option<Memory>,
    #[serde(default, deserialize_with = "config::nullable")]
    reasoning_mode: ReasoningMode,
    #[serde(default, deserialize_with = "config::nullable")]
    vision: Vision,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ReasoningMode {
    #[default]
    FunctionCall,
    Prompt,
}

/// A value to read.
#[derive(Debug, Deserialize)]
struct Parameter {
    name: String,
    #[serde(rename = "type", deserialize_with = "parameter_type")]
    kind: ValueType,
    #[serde(default, deserialize_with = "config::nullable")]
    options: Vec<String>,
    #[serde(default, deserialize_with = "config::nullable")]
    description: String,
    #[serde(default, deserialize_with = "config::nullable")]
    required: bool,
}

/// Compat: `bool` and `select` are old names.
fn parameter_type<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ValueType, D::Error> {
    let name = String::deserialize(deserializer)?;
    let kind = match name.as_str() {
        "select" => Some(ValueType::String),
        other => ValueType::parse(other),
    };
    let known = kind.filter(|kind| {
        matches!(kind, ValueType::String | ValueType::Number | ValueType::Boolean)
            || (kind.is_array() && !matches!(kind, ValueType::ArrayAny | ValueType::ArrayFile))
    });
    known.ok_or_else(|| serde::de::Error::custom(format!("type {name} is not allowed for a parameter")))
}

pub struct ParameterExtractor;

impl NodeKind for ParameterExtractor {
    fn kind(&self) -> &'static str {
        "parameter-extractor"
    }

    fn default_config(&self) -> Json {
        json!({
            "model": {"provider": "", "name": "", "mode": "chat", "completion_params": {"temperature": 0.7}},
            "query": [],
            "parameters": [],
            "instruction": "",
            "reasoning_mode": "function_call",
            "vision": {"enabled": false},
        })
    }

    fn build(&self, spec: &NodeSpec, ports: &Arc<Ports>) -> Result<BuiltNode, String> {
        let config: Config = config::read(spec)?;
        for parameter in &config.parameters {
            match parameter.name.as_str() {
                "" => return Err("a parameter has no name".into()),
                "__reason" | "__is_success" => {
                    return Err("Invalid parameter name, __reason and __is_success are reserved".into());
                }
                _ => {}
            }
        }
        let runner = Runner { config, ports: Arc::clone(ports) };
        Ok(BuiltNode::new(NodeClass::Executable, Effect::Repeatable, Arc::new(runner)))
    }
}

struct Runner {
    config: Config,
    ports: Arc<Ports>,
}

/// How the model is asked.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Function,
    Text,
    Completion,
}

impl Runner {
    fn way(&self, spec: Option<&ModelSpec>) -> Way {
        if self.config.model.mode() == ModelMode::Completion {
            Way::Completion
        } else if self.config.reasoning_mode == ReasoningMode::FunctionCall && spec.is_some_and(ModelSpec::calls_tools)
        {
            Way::Function
        } else {
            Way::Text
        }
    }

    async fn prompt(
        &self,
        cx: &NodeContext,
        (query, instruction): (&str, &str),
        spec: Option<&ModelSpec>,
    ) -> Result<(Prompt, LeftOut), Box<NodeFailure>> {
        let wrong = |why: String| NodeFailure::new("ParameterExtractorNodeError", why);
        if let Some(mode) = self.config.model.unknown_mode() {
            return Err(NodeFailure::new("InvalidModelModeError", format!("Invalid model mode: {mode}")));
        }
        let way = self.way(spec);
        let config = &self.config;
        let build = |histories: &str| prompt::build(way, &config.parameters, query, instruction, histories);
        let mut histories = String::new();
        let mut left_out = LeftOut::default();
        if let Some(memory) = config.memory.as_ref().filter(|memory| memory.window.is_some()) {
            let reference = config.model.reference();
            let used = match build("") {
                Prompt::Chat(messages) => self.ports.models.count_tokens(&reference, &messages, &[]),
                Prompt::Completion(text) => {
                    self.ports.models.count_tokens(&reference, &[ox_models::Message::user(text)], &[])
                }
            };
            let budget = memory::budget(spec, config.model.max_tokens(), used);
            let detail = config.vision.configs.detail.as_str();
            let recalled = memory::recall(memory, &reference, spec, budget, detail, (cx, &self.ports)).await;
            let recalled = recalled.map_err(|error| wrong(error.to_string()))?;
            histories = memory::as_text(&recalled.messages, &memory::RolePrefix::usual());
            left_out.window = recalled.fit;
        }
        let mut built = build(&histories);
        if let Prompt::Chat(messages) = &mut built {
            let files = config.vision.files(&cx.pool)?;
            left_out.files(&files, spec);
            let parts = media::parts(&files, &config.vision.configs.detail, spec, cx, &self.ports).await;
            let parts = parts.map_err(|error| wrong(error.to_string()))?;
            if let Some(last) = messages.last_mut() {
                last.content.extend(parts);
            }
        }
        Ok((built, left_out))
    }

    fn extraction(&self, result: &ChatResult) -> Extraction {
        let found = match result.tool_calls.first() {
            // What cannot be read of a call ends in the check of the count.
            Some(call) => Some(extract::first_json(&call.arguments).unwrap_or_else(|| json!({}))),
            None => extract::first_json(&reasoning::split(&result.text).0),
        };
        extract::read(&self.config.parameters, found)
    }

    fn inputs(&self, cx: &NodeContext, query: &Value, instruction: &str) -> IndexMap<String, Value> {
        let files = self.config.vision.files(&cx.pool).unwrap_or_default();
        let parameters = self.config.parameters.iter().map(|parameter| {
            json!({
                "name": parameter.name,
                "type": parameter.kind,
                "options": parameter.options,
                "description": parameter.description,
                "required": parameter.required,
            })
        });
        IndexMap::from_iter([
            ("query".to_owned(), query.clone()),
            ("files".to_owned(), Value::array_of(ValueType::ArrayFile, files)),
            ("parameters".to_owned(), Value::from_json_plain(&Json::Array(parameters.collect()))),
            ("instruction".to_owned(), Value::from(instruction)),
        ])
    }
}

fn process_data(
    mut data: IndexMap<String, Value>,
    tool: &Json,
    result: Option<&ChatResult>,
) -> IndexMap<String, Value> {
    if let Some(result) = result {
        model::finish_process_data(&mut data, result);
    }
    let call = result.and_then(|result| result.tool_calls.first());
    let call = call.map_or(Json::Null, |call| json!({"id": call.id, "name": call.name, "arguments": call.arguments}));
    data.insert("function".into(), Value::from_json_plain(tool));
    data.insert("tool_call".into(), Value::from_json_plain(&call));
    data.insert("llm_text".into(), result.map_or(Value::None, |result| Value::from(result.text.as_str())));
    data
}

#[async_trait]
impl Node for Runner {
    async fn run(&self, cx: NodeContext) -> Result<NodeOutput, Box<NodeFailure>> {
        let query = cx.pool.get(&self.config.query).unwrap_or_default();
        let instruction = template::text(&self.config.instruction, &cx.pool);
        let inputs = self.inputs(&cx, &query, &instruction);
        let reference = self.config.model.reference();
        let spec = self.ports.models.describe(&model::scope(&cx), &reference, ModelKind::Llm).await;
        let prompt = self.prompt(&cx, (&query.text(), &instruction), spec.as_deref()).await;
        let (prompt, left_out) = prompt.map_err(|mut failure| {
            failure.inputs = inputs.clone();
            failure
        })?;
        let mut trace = model::process_data(&self.config.model, &prompt);
        left_out.tell(&mut trace);
        let tools = match self.way(spec.as_deref()) {
            Way::Function => vec![prompt::tool(&self.config.parameters)],
            _ => Vec::new(),
        };
        let tool = tools.first().map_or(Json::Null, |tool| serde_json::to_value(tool).unwrap_or_default());
        let (parameters, stop) = self.config.model.parameters(&cx.pool);
        let request = ChatRequest { tools, parameters, stop, stream: true, ..ChatRequest::default() };
        let result = model::ask(&cx, &self.ports, &reference, Question { prompt, request }, |_| async {}).await;
        let result = match result {
            Ok(result) => result,
            Err(error) => {
                let mut failure = model::failure(&error);
                failure.inputs = inputs;
                failure.process_data = process_data(trace, &tool, None);
                let reason =
                    if error.text.is_empty() { "Failed to invoke model".to_owned() } else { error.to_string() };
                failure.outputs.insert("__is_success".into(), Value::Int(0));
                failure.outputs.insert("__reason".into(), Value::from(reason));
                return Err(failure);
            }
        };
        let Extraction { values, reason } = self.extraction(&result);
        let mut outputs = IndexMap::from_iter([
            ("__is_success".to_owned(), Value::Int(i64::from(reason.is_none()))),
            ("__reason".to_owned(), reason.map_or(Value::None, Value::from)),
            ("__usage".to_owned(), Value::from_json_plain(&result.usage.to_json())),
        ]);
        outputs.extend(values);
        Ok(NodeOutput {
            inputs,
            process_data: process_data(trace, &tool, Some(&result)),
            outputs,
            metadata: model::metadata(&result.usage),
            usage: Some(model::engine_usage(&result.usage)),
            ..NodeOutput::default()
        })
    }
}
