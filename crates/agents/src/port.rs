//! Agent strategies for agent nodes.

mod log;

use std::sync::Arc;

use async_trait::async_trait;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use futures::StreamExt;
use ox_engine::RunInfo;
use ox_models::{ContentPart, Media, MediaSource, ModelMode, ModelRef, ModelRuntime, ModelScope};
use ox_nodes::{AgentInvocation, AgentPort, CallError, CallMessage, CallStream, FilePort, ToolName, ToolPort};
use ox_types::{File, FileKind, Json, boxed};
use serde_json::Map;

use self::log::Log;
use crate::{AgentEvent, ApprovalPort, NobodyAsked, Rules, Strategy, Task, Toolbox, WantedTool, declarations, worker};

/// Rounds of a node that names no number.
const DEFAULT_ITERATIONS: u32 = 5;
/// Most tools of one task.
const MAX_TOOLS: usize = 100;

/// Our strategies, over the models and tools of a server.
pub struct Strategies {
    models: Arc<dyn ModelRuntime>,
    tools: Arc<dyn ToolPort>,
    files: Arc<dyn FilePort>,
    people: Arc<dyn ApprovalPort>,
}

impl Strategies {
    /// The strategies over these ports.
    #[must_use]
    pub fn new(models: Arc<dyn ModelRuntime>, tools: Arc<dyn ToolPort>, files: Arc<dyn FilePort>) -> Self {
        Self { models, tools, files, people: Arc::new(NobodyAsked) }
    }

    /// Who is asked about calls that need an approval.
    #[must_use]
    pub fn asking(mut self, people: Arc<dyn ApprovalPort>) -> Self {
        self.people = people;
        self
    }

    #[boxed]
    async fn toolbox(&self, run: &RunInfo, task: &AgentInvocation) -> Result<Toolbox, CallError> {
        let mut toolbox = Toolbox::new(run.clone(), task.node_run_id, task.node_id.as_str(), Arc::clone(&self.files))
            .asking(Arc::clone(&self.people));
        let tools = task.parameters.get("tools").and_then(Json::as_array);
        for tool in tools.into_iter().flatten().take(MAX_TOOLS) {
            let Some(wanted) = wanted(tool) else { continue };
            let name = wanted.name.tool.clone();
            toolbox.add(&self.tools, wanted).await.map_err(|error| CallError {
                text: format!("Failed to get tool runtime: {name}: {error}"),
                class: "AgentInvocationError".to_owned(),
                ..error
            })?;
        }
        if let Some(known) = toolbox.provenance() {
            known.trust(&text(task.parameters.get("instruction")));
            for piece in context_of(task.parameters.get("context")) {
                known.distrust("context", &piece);
            }
        }
        Ok(toolbox)
    }

    /// Files of the question.
    #[boxed]
    async fn media(&self, run: &RunInfo, parameters: &Map<String, Json>) -> Result<Vec<ContentPart>, CallError> {
        let files = match parameters.get("files") {
            Some(Json::Array(items)) => items.iter().filter_map(File::from_json).collect(),
            Some(one) => File::from_json(one).into_iter().collect(),
            None => Vec::new(),
        };
        let mut parts = Vec::with_capacity(files.len());
        for file in &files {
            let bytes = self.files.read(run, file).await;
            let bytes = bytes.map_err(|error| CallError::new("ToolFileError", error.to_string()))?;
            let media = Media {
                source: MediaSource::Base64(STANDARD.encode(bytes)),
                mime: file.mime_type.clone().unwrap_or_else(|| "application/octet-stream".to_owned()),
                filename: file.filename.clone(),
                detail: None,
            };
            parts.push(match file.kind {
                FileKind::Image => ContentPart::Image(media),
                FileKind::Audio => ContentPart::Audio(media),
                FileKind::Video => ContentPart::Video(media),
                _ => ContentPart::Document(media),
            });
        }
        Ok(parts)
    }
}

#[async_trait]
impl AgentPort for Strategies {
    async fn invoke(&self, run: &RunInfo, invocation: AgentInvocation) -> Result<CallStream, CallError> {
        let strategy = strategy(&invocation)?;
        let parameters = &invocation.parameters;
        let (model, completion_params) = model(parameters)?;
        let toolbox = self.toolbox(run, &invocation).await?;
        let media = self.media(run, parameters).await?;
        let mut completion_params = completion_params;
        let stop = stop_words(completion_params.shift_remove("stop"));
        let task = Task {
            strategy,
            scope: ModelScope {
                app_id: Some(run.app_id),
                user: Some(run.user_id.clone()),
                run_id: Some(run.run_id),
                node_id: Some(invocation.node_id.clone()),
                ..ModelScope::of(run.tenant_id)
            },
            model: model.clone(),
            parameters: completion_params,
            stop,
            instruction: with_context(text(parameters.get("instruction")), parameters.get("context")),
            query: text(parameters.get("query")),
            media,
            history: invocation.history,
            max_iterations: iterations(parameters.get("maximum_iterations")),
            react_prompt: None,
        };
        let events = worker::run(task, Arc::clone(&self.models), toolbox);
        Ok(messages(events, Log::new(&model)))
    }
}

/// Events as a node takes them: text, files, and a tree of what was done.
fn messages(mut events: crate::AgentStream, mut log: Log) -> CallStream {
    Box::pin(async_stream::stream! {
        while let Some(event) = events.next().await {
            let event = match event {
                Ok(event) => event,
                Err(error) => {
                    for entry in log.broken(&error.to_string()) {
                        yield Ok(CallMessage::Log(Box::new(entry)));
                    }
                    yield Err(error.into());
                    return;
                }
            };
            for entry in log.entries(&event) {
                yield Ok(CallMessage::Log(Box::new(entry)));
            }
            match event {
                AgentEvent::Text(text) | AgentEvent::Answer { text, .. } => yield Ok(CallMessage::Text(text)),
                AgentEvent::CallFinished(outcome) => {
                    if !outcome.resources.is_empty() {
                        yield Ok(CallMessage::Resources(outcome.resources));
                    }
                    for file in outcome.files {
                        yield Ok(CallMessage::File(Box::new(file)));
                    }
                }
                AgentEvent::Finished(finished) => yield Ok(CallMessage::Usage(Box::new(finished.usage))),
                _ => {}
            }
        }
    })
}

fn strategy(task: &AgentInvocation) -> Result<Strategy, CallError> {
    let known = task.provider.is_empty() || declarations::provider(&task.provider).is_some();
    let found = Strategy::parse(&task.strategy).filter(|_| known);
    found.ok_or_else(|| {
        let text = format!("this server has no agent strategy '{}' of '{}'", task.strategy, task.provider);
        CallError::missing("AgentStrategyNotFoundError", text)
    })
}

fn model(parameters: &Map<String, Json>) -> Result<(ModelRef, Map<String, Json>), CallError> {
    let missing = || CallError::missing("AgentParameterError", "The agent has no model: choose one.");
    let model = parameters.get("model").ok_or_else(missing)?;
    let field = |name: &str| model.get(name).and_then(Json::as_str).filter(|text| !text.is_empty());
    let provider = field("provider").ok_or_else(missing)?;
    let name = field("model").or_else(|| field("name")).ok_or_else(missing)?;
    let mode = field("mode").and_then(ModelMode::parse).unwrap_or(ModelMode::Chat);
    let reference = ModelRef { provider: provider.to_owned(), name: name.to_owned(), mode };
    let parameters = model.get("completion_params").and_then(Json::as_object).cloned().unwrap_or_default();
    Ok((reference, parameters))
}

fn stop_words(stop: Option<Json>) -> Vec<String> {
    match stop {
        Some(Json::String(word)) if !word.is_empty() => vec![word],
        Some(Json::Array(words)) => words.iter().filter_map(Json::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

fn iterations(value: Option<&Json>) -> u32 {
    let number = value.and_then(|value| {
        value
            .as_u64()
            .or_else(|| value.as_f64().map(|number| number.max(0.0) as u64))
            .or_else(|| value.as_str()?.trim().parse().ok())
    });
    number.map_or(DEFAULT_ITERATIONS, |number| u32::try_from(number).unwrap_or(u32::MAX).max(1))
}

fn text(value: Option<&Json>) -> String {
    match value {
        None | Some(Json::Null) => String::new(),
        Some(Json::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

/// What the node was given to know, piece by piece.
fn context_of(context: Option<&Json>) -> Vec<String> {
    match context {
        Some(Json::Array(items)) => {
            let piece =
                |item: &Json| item.get("content").map_or_else(|| text(Some(item)), |content| text(Some(content)));
            items.iter().map(piece).collect()
        }
        other => vec![text(other)],
    }
}

/// The instruction with what the node was given to know.
fn with_context(instruction: String, context: Option<&Json>) -> String {
    let pieces = context_of(context);
    let context = pieces.iter().filter(|piece| !piece.trim().is_empty()).cloned().collect::<Vec<_>>().join("\n\n");
    if context.is_empty() {
        return instruction;
    }
    format!("{instruction}\n\nUse this as what you know, between <context> and </context>:\n<context>\n{context}\n</context>")
        .trim_start()
        .to_owned()
}

/// A tool of the node's list, its values resolved.
fn wanted(tool: &Json) -> Option<WantedTool> {
    let field = |name: &str| tool.get(name).and_then(Json::as_str).unwrap_or_default().to_owned();
    let name = field("tool_name");
    if name.is_empty() {
        return None;
    }
    let optional = |name: &str| Some(field(name)).filter(|text| !text.is_empty());
    let parameters = tool.get("parameters").and_then(Json::as_object);
    let fixed = parameters.into_iter().flatten().filter(|(_, value)| !value.is_null());
    let described = tool.pointer("/extra/description").and_then(Json::as_str).unwrap_or_default();
    Some(WantedTool {
        name: ToolName {
            provider_type: optional("type").or_else(|| optional("provider_type")).unwrap_or_else(|| "builtin".into()),
            provider_id: optional("provider_id").unwrap_or_else(|| field("provider_name")),
            provider_name: field("provider_name"),
            tool: name,
            credential_id: optional("credential_id"),
            plugin_unique_identifier: optional("plugin_unique_identifier"),
        },
        label: field("tool_label"),
        description: described.to_owned(),
        fixed: fixed.map(|(name, value)| (name.clone(), value.clone())).collect(),
        settings: tool.get("settings").and_then(Json::as_object).cloned().unwrap_or_default(),
        rules: Rules::read(tool),
    })
}
