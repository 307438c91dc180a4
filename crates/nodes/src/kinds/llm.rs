//! `llm`: asks a language model and streams its answer.

mod context;
mod prompt;
mod structured;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use async_trait::async_trait;
use context::Context;
use indexmap::IndexMap;
use ox_dsl::graph::NodeSpec;
use ox_engine::{BuiltNode, ChunkSender, Effect, Node, NodeClass, NodeContext, NodeFailure, NodeOutput};
use ox_models::{ChatDelta, ChatRequest, ChatResult, ModelKind};
use ox_types::{Json, Value};
use prompt::Template;
use serde::Deserialize;
use serde_json::json;
use tokio::sync::Mutex;

use crate::{
    NodeKind, Ports, config,
    config::NamedSelector,
    media::Vision,
    memory::Memory,
    model::{self, ModelConfig, Question},
    reasoning::{Format, Piece, Splitter},
};

/// The variable an llm node streams into.
const TEXT: &str = "text";

#[derive(Deserialize)]
struct Config {
    model: ModelConfig,
    prompt_template: Template,
    #[serde(default, deserialize_with = "config::nullable")]
    prompt_config: PromptConfig,
    #[serde(default)]
    memory: Option<Memory>,
    #[serde(default, deserialize_with = "config::nullable")]
    context: Context,
    #[serde(default, deserialize_with = "config::nullable")]
    vision: Vision,
    #[serde(default)]
    structured_output: Option<StructuredOutput>,
    #[serde(default, deserialize_with = "config::nullable")]
    structured_output_enabled: bool,
    #[serde(default, deserialize_with = "config::nullable")]
    reasoning_format: Format,
}

#[derive(Default, Deserialize)]
struct PromptConfig {
    #[serde(default, deserialize_with = "config::nullable")]
    jinja2_variables: Vec<NamedSelector>,
}

#[derive(Deserialize)]
struct StructuredOutput {
    #[serde(default)]
    schema: Json,
}

impl Config {
    /// The schema of the answer, when there must be one.
    fn schema(&self) -> Option<&Json> {
        let schema = self.structured_output.as_ref().map(|output| &output.schema)?;
        let usable = schema.as_object().is_some_and(|schema| !schema.is_empty());
        (self.structured_output_enabled && usable).then_some(schema)
    }
}

pub struct Llm;

impl NodeKind for Llm {
    fn kind(&self) -> &'static str {
        "llm"
    }

    fn default_config(&self) -> Json {
        json!({
            "model": {"provider": "", "name": "", "mode": "chat", "completion_params": {"temperature": 0.7}},
            "prompt_template": [{"role": "system", "text": ""}],
            "context": {"enabled": false, "variable_selector": []},
            "vision": {"enabled": false},
        })
    }

    fn build(&self, spec: &NodeSpec, ports: &Arc<Ports>) -> Result<BuiltNode, String> {
        let config: Config = config::read(spec)?;
        let runner = Runner { config, ports: Arc::clone(ports) };
        let mut node = BuiltNode::new(NodeClass::Executable, Effect::Repeatable, Arc::new(runner));
        node.retryable = true;
        node.streams = vec![vec![spec.id.clone(), TEXT.into()]];
        Ok(node)
    }
}

struct Runner {
    config: Config,
    ports: Arc<Ports>,
}

/// What is known when something goes wrong.
#[derive(Default)]
struct Trace {
    inputs: IndexMap<String, Value>,
    process_data: IndexMap<String, Value>,
}

#[async_trait]
impl Node for Runner {
    async fn run(&self, cx: NodeContext) -> Result<NodeOutput, Box<NodeFailure>> {
        let mut trace = Trace::default();
        match self.answer(&cx, &mut trace).await {
            Ok(result) => self.finish(&cx, trace, result).await,
            Err(mut failure) => {
                failure.inputs = trace.inputs;
                failure.process_data = trace.process_data;
                Err(failure)
            }
        }
    }
}

impl Runner {
    async fn answer(&self, cx: &NodeContext, trace: &mut Trace) -> Result<Answered, Box<NodeFailure>> {
        let config = &self.config;
        if config.model.unknown_mode().is_some() {
            return Err(NodeFailure::new("LLMModeRequiredError", "LLM mode is required."));
        }
        let reference = config.model.reference();
        let spec = self.ports.models.describe(&model::scope(cx), &reference, ModelKind::Llm).await;
        let builder = prompt::Builder { config, spec: spec.as_deref(), cx, ports: &self.ports };
        let (mut prompt, left_out) = builder.build(&mut trace.inputs).await?;
        let (parameters, stop) = config.model.parameters(&cx.pool);
        let mut request = ChatRequest {
            model: config.model.name.clone(),
            parameters,
            stop,
            user: Some(cx.run.user_id.clone()),
            stream: true,
            ..ChatRequest::default()
        };
        if let Some(schema) = config.schema() {
            structured::ask_for(schema, spec.as_deref(), &mut request, &mut prompt);
        }
        trace.process_data = model::process_data(&config.model, &prompt);
        left_out.tell(&mut trace.process_data);
        let display =
            Display { chunks: cx.chunks.clone(), splitter: Mutex::new(Splitter::new(config.reasoning_format)) };
        let question = Question { prompt, request };
        let result = model::ask(cx, &self.ports, &reference, question, |delta| display.show(delta)).await;
        let result = result.map_err(|error| model::failure(&error))?;
        let splitter = display.finish().await;
        Ok(Answered { result, splitter })
    }

    async fn finish(&self, cx: &NodeContext, trace: Trace, answered: Answered) -> Result<NodeOutput, Box<NodeFailure>> {
        let Answered { result, splitter } = answered;
        let Trace { inputs, mut process_data } = trace;
        model::finish_process_data(&mut process_data, &result);
        let metadata = model::metadata(&result.usage);
        let usage = Some(model::engine_usage(&result.usage));
        let raw = splitter.raw().to_owned();
        let (text, reasoning) = splitter.result();
        let mut outputs = IndexMap::from_iter([
            (TEXT.to_owned(), Value::from(text)),
            ("reasoning_content".to_owned(), Value::from(reasoning)),
            ("usage".to_owned(), Value::from_json_plain(&result.usage.to_json())),
            ("finish_reason".to_owned(), model::finish_reason(&result)),
        ]);
        if let Some(schema) = self.config.schema() {
            match structured::parse(&raw, schema) {
                Ok(object) => _ = outputs.insert("structured_output".to_owned(), Value::from_json_plain(&object)),
                Err(why) => {
                    let mut failure =
                        NodeFailure::new("LLMNodeError", format!("Failed to parse structured output: {why}"));
                    failure.inputs = inputs;
                    failure.process_data = process_data;
                    failure.metadata = metadata;
                    failure.usage = usage;
                    return Err(failure);
                }
            }
        }
        // Always sent, also when nothing came: it ends the stream.
        cx.chunks.text(TEXT, String::new(), true).await;
        Ok(NodeOutput { inputs, process_data, outputs, metadata, usage, ..NodeOutput::default() })
    }
}

struct Answered {
    result: ChatResult,
    splitter: Splitter,
}

/// Shows the answer while it comes.
struct Display {
    chunks: ChunkSender,
    splitter: Mutex<Splitter>,
}

impl Display {
    async fn show(&self, delta: ChatDelta) {
        let pieces = self.splitter.lock().await.push(&delta);
        self.send(pieces).await;
    }

    async fn send(&self, pieces: Vec<Piece>) {
        for piece in pieces {
            match piece {
                Piece::Text(text) => self.chunks.text(TEXT, text, false).await,
                Piece::Reasoning(text) => self.chunks.reasoning(text, false).await,
                Piece::ReasoningEnd => self.chunks.reasoning(String::new(), true).await,
            }
        }
    }

    async fn finish(self) -> Splitter {
        let pieces = self.splitter.lock().await.end();
        self.send(pieces).await;
        self.splitter.into_inner()
    }
}
