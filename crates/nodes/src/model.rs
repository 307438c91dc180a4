//! What the nodes that ask models have in common: the configured model, its parameters, the call.

use std::time::Instant;

use futures::StreamExt;
use indexmap::IndexMap;
use ox_engine::{NodeContext, NodeFailure, Pool};
use ox_models::{
    ChatDelta, ChatRequest, ChatResult, ChatStream, CompletionRequest, ContentPart, Media, MediaSource, Message,
    ModelError, ModelMode, ModelRef, ModelScope, ModelSpec, Usage, WindowFit,
};
use ox_types::{Json, Value};
use serde::Deserialize;

use crate::{Ports, config, media, template};

/// Longest text a parameter's template may give.
const MAX_PARAMETER_CHARS: usize = 1024;

/// Which model with which parameters (`model` of a node).
#[derive(Clone, Debug, Default, Deserialize)]
pub struct ModelConfig {
    #[serde(default, deserialize_with = "config::nullable")]
    pub provider: String,
    #[serde(default, deserialize_with = "config::nullable")]
    pub name: String,
    #[serde(default)]
    pub mode: Option<String>,
    #[serde(default, deserialize_with = "config::nullable")]
    pub completion_params: serde_json::Map<String, Json>,
}

impl ModelConfig {
    /// The model's name for the runtime.
    pub fn reference(&self) -> ModelRef {
        ModelRef { provider: self.provider.clone(), name: self.name.clone(), mode: self.mode() }
    }

    /// How it is asked; unknown is chat.
    pub fn mode(&self) -> ModelMode {
        self.mode.as_deref().and_then(ModelMode::parse).unwrap_or(ModelMode::Chat)
    }

    /// The mode as it is written, where it names none.
    pub fn unknown_mode(&self) -> Option<&str> {
        self.mode.as_deref().filter(|mode| ModelMode::parse(mode).is_none())
    }

    /// Parameters with their templates filled in, and the stop words apart from them.
    pub fn parameters(&self, pool: &Pool) -> (serde_json::Map<String, Json>, Vec<String>) {
        let mut parameters = self.completion_params.clone();
        let stop = parameters.shift_remove("stop").map_or_else(Vec::new, |stop| match stop {
            Json::String(word) if !word.is_empty() => vec![word],
            Json::Array(words) => words.iter().filter_map(Json::as_str).map(str::to_owned).collect(),
            _ => Vec::new(),
        });
        for value in parameters.values_mut() {
            if let Json::String(text) = value
                && text.contains("{{#")
            {
                *value = coerced(&template::text(text, pool));
            }
        }
        (parameters, stop)
    }

    /// Most tokens of an answer, as configured.
    pub fn max_tokens(&self) -> u64 {
        ["max_tokens", "max_completion_tokens", "max_output_tokens"]
            .iter()
            .find_map(|name| self.completion_params.get(*name))
            .and_then(|value| value.as_u64().or_else(|| value.as_str()?.trim().parse().ok()))
            .unwrap_or(0)
    }
}

/// A resolved parameter in the type it looks like.
fn coerced(text: &str) -> Json {
    let text: String = text.chars().take(MAX_PARAMETER_CHARS).collect();
    let trimmed = text.trim();
    match trimmed.to_ascii_lowercase().as_str() {
        "true" => return Json::Bool(true),
        "false" => return Json::Bool(false),
        _ => {}
    }
    if let Ok(number) = trimmed.parse::<i64>() {
        return Json::from(number);
    }
    match trimmed.parse::<f64>() {
        Ok(number) if number.is_finite() => Json::from(number),
        _ => Json::from(text),
    }
}

/// For whom a node asks.
pub fn scope(cx: &NodeContext) -> ModelScope {
    ModelScope {
        app_id: Some(cx.run.app_id),
        user: Some(cx.run.user_id.clone()),
        run_id: Some(cx.run.run_id),
        node_id: Some(cx.node.id.clone()),
        ..ModelScope::of(cx.run.tenant_id)
    }
}

/// What is asked: messages, or one text for models that continue it.
#[derive(Clone, Debug, PartialEq)]
pub enum Prompt {
    Chat(Vec<Message>),
    Completion(String),
}

/// A question to a model.
pub struct Question {
    pub prompt: Prompt,
    pub request: ChatRequest,
}

/// Asks a model and hands each piece on as it comes.
///
/// # Errors
/// What the provider or the runtime said.
pub async fn ask<F>(
    cx: &NodeContext,
    ports: &Ports,
    model: &ModelRef,
    question: Question,
    mut each: impl FnMut(ChatDelta) -> F,
) -> Result<ChatResult, ModelError>
where
    F: Future<Output = ()>,
{
    let started = Instant::now();
    let mut first = None;
    let mut stream = open(cx, ports, model, question).await?;
    let mut result = ChatResult::default();
    while let Some(delta) = stream.next().await {
        let delta = delta?;
        if first.is_none() && (!delta.text.is_empty() || !delta.reasoning.is_empty()) {
            first = Some(started.elapsed().as_secs_f64());
        }
        result.push(delta.clone());
        each(delta).await;
    }
    let elapsed = started.elapsed().as_secs_f64();
    let usage = &mut result.usage;
    if usage.latency == 0.0 {
        usage.latency = milli(elapsed);
    }
    if let Some(first) = first {
        usage.time_to_first_token.get_or_insert(milli(first));
        usage.time_to_generate.get_or_insert(milli((elapsed - first).max(0.0)));
    }
    Ok(result)
}

async fn open(cx: &NodeContext, ports: &Ports, model: &ModelRef, question: Question) -> Result<ChatStream, ModelError> {
    let scope = scope(cx);
    match question.prompt {
        Prompt::Chat(messages) => ports.models.chat(&scope, model, ChatRequest { messages, ..question.request }).await,
        Prompt::Completion(prompt) => {
            let request = question.request;
            let request = CompletionRequest {
                model: request.model,
                prompt,
                parameters: request.parameters,
                stop: request.stop,
                user: request.user,
                stream: request.stream,
            };
            ports.models.completion(&scope, model, request).await
        }
    }
}

/// Seconds with three decimals.
fn milli(seconds: f64) -> f64 {
    (seconds * 1000.0).round() / 1000.0
}

/// Usage as the engine sums it.
pub fn engine_usage(usage: &Usage) -> ox_engine::Usage {
    ox_engine::Usage {
        prompt_tokens: usage.prompt_tokens,
        completion_tokens: usage.completion_tokens,
        total_tokens: usage.total_tokens,
        total_price: usage.total_price.to_string(),
        currency: usage.currency.clone(),
    }
}

/// Usage in a node's metadata.
pub fn metadata(usage: &Usage) -> std::collections::BTreeMap<String, Json> {
    [
        ("total_tokens", Json::from(usage.total_tokens)),
        ("total_price", Json::from(usage.total_price.to_string())),
        ("currency", Json::from(usage.currency.as_str())),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect()
}

/// A failure from a model call.
pub fn failure(error: &ModelError) -> Box<NodeFailure> {
    NodeFailure::new(error.error_type(), error.to_string())
}

/// The trace of a call: what was asked, of which model.
pub fn process_data(model: &ModelConfig, prompt: &Prompt) -> IndexMap<String, Value> {
    let prompts = match prompt {
        Prompt::Chat(messages) => messages.iter().map(shown).collect(),
        Prompt::Completion(text) => vec![serde_json::json!({"role": "user", "text": text, "files": []})],
    };
    IndexMap::from_iter([
        ("model_mode".to_owned(), Value::from(model.mode().as_str())),
        ("prompts".to_owned(), Value::from_json_plain(&Json::Array(prompts))),
        ("usage".to_owned(), Value::None),
        ("finish_reason".to_owned(), Value::None),
        ("model_provider".to_owned(), Value::from(model.provider.as_str())),
        ("model_name".to_owned(), Value::from(model.name.as_str())),
    ])
}

/// What could not come into a prompt.
#[derive(Default)]
pub struct LeftOut {
    /// Messages that there was no room for.
    pub window: Option<WindowFit>,
    /// Files that the model cannot take.
    pub files: Vec<Json>,
}

impl LeftOut {
    /// Notes the files that the model cannot take.
    pub fn files(&mut self, files: &[Value], model: Option<&ModelSpec>) {
        self.files.extend(media::refused(files, model));
    }

    /// Notes what was found and had no room. Where messages had none either, those are counted, and chunks are told beside them.
    pub fn knowledge(&mut self, cut: Option<WindowFit>) {
        match (&mut self.window, cut) {
            (Some(window), Some(cut)) => window.dropped_chunks = cut.dropped_chunks,
            (window @ None, cut) => *window = cut,
            (Some(_), None) => {}
        }
    }

    /// Adds it to the trace; nothing where all came in.
    pub fn tell(self, data: &mut IndexMap<String, Value>) {
        if let Some(window) = self.window {
            data.insert("context_window".to_owned(), Value::from_json_plain(&window.to_json()));
        }
        if !self.files.is_empty() {
            data.insert("files_left_out".to_owned(), Value::from_json_plain(&Json::Array(self.files)));
        }
    }
}

/// Adds what the answer told to the trace.
pub fn finish_process_data(data: &mut IndexMap<String, Value>, result: &ChatResult) {
    data.insert("usage".to_owned(), Value::from_json_plain(&result.usage.to_json()));
    data.insert("finish_reason".to_owned(), finish_reason(result));
    // Who answered, where that is not the model of the node.
    if let Some(served) = result.usage.served_json() {
        data.insert("answered_by".to_owned(), Value::from_json_plain(&served));
    }
}

/// The finish reason as an output.
pub fn finish_reason(result: &ChatResult) -> Value {
    result.finish_reason.as_deref().map_or(Value::None, Value::from)
}

/// A message as it is kept: contents of files are cut.
fn shown(message: &Message) -> Json {
    let files: Vec<Json> = message
        .content
        .iter()
        .filter_map(|part| match part {
            ContentPart::Text { .. } => None,
            ContentPart::Image(media) => Some(shown_media("image", media)),
            ContentPart::Audio(media) => Some(shown_media("audio", media)),
            ContentPart::Video(media) => Some(shown_media("video", media)),
            ContentPart::Document(media) => Some(shown_media("document", media)),
        })
        .collect();
    serde_json::json!({"role": message.role.as_str(), "text": message.plain_text(), "files": files})
}

fn shown_media(kind: &str, media: &Media) -> Json {
    let data = match &media.source {
        MediaSource::Url(url) => url.clone(),
        MediaSource::Base64(data) if data.len() > 20 => {
            let (head, tail) = (data.get(..10).unwrap_or_default(), data.get(data.len() - 10..).unwrap_or_default());
            format!("{head}...[TRUNCATED]...{tail}")
        }
        MediaSource::Base64(data) => data.clone(),
    };
    serde_json::json!({"type": kind, "data": data, "detail": media.detail, "mime_type": media.mime})
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn parameters_are_filled_in_and_stop_words_taken_out() {
        let mut pool = Pool::new();
        pool.set("n", "t", "0.5");
        pool.set("n", "i", Value::Int(7));
        pool.set("n", "f", "True");
        let model: ModelConfig = serde_json::from_value(json!({
            "provider": "p", "name": "m", "mode": "chat",
            "completion_params": {"temperature": "{{#n.t#}}", "max_tokens": "{{#n.i#}}", "flag": "{{#n.f#}}",
                "text": "a {{#n.t#}}", "plain": "12", "stop": ["x", "y"]},
        }))
        .unwrap();
        let (parameters, stop) = model.parameters(&pool);
        assert_eq!(
            Json::Object(parameters),
            json!({"temperature": 0.5, "max_tokens": 7, "flag": true, "text": "a 0.5", "plain": "12"})
        );
        assert_eq!(stop, ["x", "y"]);
        let nulls: ModelConfig =
            serde_json::from_value(json!({"provider": null, "name": "m", "completion_params": null})).unwrap();
        assert_eq!((nulls.mode(), nulls.max_tokens()), (ModelMode::Chat, 0));
    }
}
