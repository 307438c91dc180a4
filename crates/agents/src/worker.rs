//! What all strategies share: asking the model, calling tools, telling what happens.

use std::{sync::Arc, time::Instant};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use futures::{StreamExt, future::BoxFuture};
use ox_models::{
    ChatRequest, ChatResult, ChatStream, CompletionRequest, ContentPart, Media, MediaSource, Message, ModelKind,
    ModelRuntime, Role, ToolSpec, Usage, WindowFit,
};
use ox_types::Json;
use serde_json::json;
use tokio::sync::mpsc;

use crate::{
    AgentEvent, AgentStream, AskedCall, CallOutcome, Error, Finished, Provenance, Strategy, Task, Thought, Toolbox,
    function_calling, plan, react,
};

/// Events that may wait for their reader.
const WAITING: usize = 64;
/// Calls of one round that are made at a time.
const CALLS_AT_ONCE: usize = 4;
/// Most bytes of text of one answer of the model.
const MAX_TEXT: usize = 8 * 1024 * 1024;
/// What a tool may tell at most, in characters; less where the model's window is small.
const MAX_OBSERVATION: usize = 64 * 1024;
/// A tool may tell this much in any case.
const LEAST_OBSERVATION: usize = 2000;
/// Observations that are shortened to make room keep this much.
const KEPT_OBSERVATION: usize = 400;

/// Lets an agent work on a task.
#[must_use]
pub fn run(task: Task, models: Arc<dyn ModelRuntime>, toolbox: Toolbox) -> AgentStream {
    let (events, mut heard) = mpsc::channel(WAITING);
    let mut toolbox = toolbox;
    if let Some(known) = toolbox.provenance() {
        origins(&task, known);
    }
    let work = async move {
        let window =
            models.describe(&task.scope, &task.model, ModelKind::Llm).await.and_then(|spec| spec.context_size());
        let mut worker =
            Worker { task, models, toolbox, events, window, round: 0, said: false, usage: Usage::default() };
        let answer = match worker.task.strategy {
            Strategy::FunctionCalling => function_calling::work(&mut worker).await,
            Strategy::ReAct => react::work(&mut worker).await,
            Strategy::PlanExecute => plan::work(&mut worker).await,
        }?;
        let Worker { usage, round, events, .. } = worker;
        // A reader that is gone wants no last word.
        let _ = events.send(AgentEvent::Finished(Box::new(Finished { answer, usage, rounds: round }))).await;
        Ok::<(), Error>(())
    };
    Box::pin(async_stream::stream! {
        let mut work = Box::pin(work);
        let end = loop {
            tokio::select! {
                biased;
                Some(event) = heard.recv() => yield Ok(event),
                end = &mut work => break end,
            }
        };
        while let Ok(event) = heard.try_recv() {
            yield Ok(event);
        }
        if let Err(error) = end {
            yield Err(error);
        }
    })
}

/// Who has said what before the work begins. The instruction is told by whoever knows what it is made of.
fn origins(task: &Task, known: &mut Provenance) {
    known.trust(&task.query);
    for message in &task.history {
        match message.role {
            Role::User => known.trust(&message.plain_text()),
            // It may repeat what a tool had said.
            _ => known.distrust("earlier answer", &message.plain_text()),
        }
    }
    for part in &task.media {
        let (ContentPart::Image(media)
        | ContentPart::Audio(media)
        | ContentPart::Video(media)
        | ContentPart::Document(media)) = part
        else {
            continue;
        };
        let name = media.filename.clone().unwrap_or_else(|| "file".to_owned());
        match plain_text(media) {
            Some(text) => known.distrust(name, &text),
            None => known.distrust_unseen(name),
        }
    }
}

/// The text of a file that is nothing but text.
fn plain_text(media: &Media) -> Option<String> {
    let is_text = media.mime.starts_with("text/") || media.mime == "application/json";
    let MediaSource::Base64(data) = &media.source else { return None };
    let bytes = is_text.then(|| STANDARD.decode(data).ok())??;
    String::from_utf8(bytes).ok()
}

/// An agent at work.
pub(crate) struct Worker {
    pub task: Task,
    pub models: Arc<dyn ModelRuntime>,
    pub toolbox: Toolbox,
    events: mpsc::Sender<AgentEvent>,
    /// Tokens that the model can take.
    window: Option<u64>,
    pub round: u32,
    /// A part of the answer was told.
    said: bool,
    pub usage: Usage,
}

/// What the model is asked.
pub(crate) enum Prompt {
    Chat(Vec<Message>),
    Completion(String),
}

/// The model speaking.
pub(crate) struct Hearing {
    stream: ChatStream,
    result: ChatResult,
    started: Instant,
    first: Option<f64>,
}

impl Hearing {
    /// The next piece of text; `None` at the end.
    pub async fn next(&mut self) -> Result<Option<String>, Error> {
        while let Some(delta) = self.stream.next().await {
            let delta = delta?;
            if self.result.text.len() + delta.text.len() > MAX_TEXT {
                return Err(Error::TooLong(MAX_TEXT / 1024 / 1024));
            }
            let text = delta.text.clone();
            self.result.push(delta);
            if !text.is_empty() {
                self.first.get_or_insert_with(|| self.started.elapsed().as_secs_f64());
                return Ok(Some(text));
            }
        }
        Ok(None)
    }
}

impl Worker {
    /// The number of the round in which no tools are offered.
    pub fn last_round(&self) -> u32 {
        self.task.iterations() + 1
    }

    /// Tells what happened. A reader that is gone is told nothing; the work is dropped with the stream anyway.
    pub async fn tell(&self, event: AgentEvent) {
        let _ = self.events.send(event).await;
    }

    /// Begins a round.
    pub async fn begin(&mut self) -> u32 {
        self.round += 1;
        self.tell(AgentEvent::RoundStarted { round: self.round }).await;
        self.round
    }

    /// Tells a piece of the answer; what was said in different rounds stands on lines of its own.
    pub async fn say(&mut self, text: String, is_first_of_round: bool) {
        if is_first_of_round && std::mem::replace(&mut self.said, true) {
            self.tell(AgentEvent::Text("\n".to_owned())).await;
        }
        self.tell(AgentEvent::Text(text)).await;
    }

    /// Asks the model.
    pub async fn ask(&mut self, prompt: Prompt, tools: Vec<ToolSpec>, stop: Vec<String>) -> Result<Hearing, Error> {
        let (started, task) = (Instant::now(), &self.task);
        let (parameters, user) = (task.parameters.clone(), task.scope.user.clone());
        let stream = match prompt {
            Prompt::Chat(messages) => {
                let request =
                    ChatRequest { messages, tools, parameters, stop, user, stream: true, ..ChatRequest::default() };
                self.models.chat(&task.scope, &task.model, request).await?
            }
            Prompt::Completion(prompt) => {
                let request =
                    CompletionRequest { prompt, parameters, stop, user, stream: true, ..CompletionRequest::default() };
                self.models.completion(&task.scope, &task.model, request).await?
            }
        };
        Ok(Hearing { stream, result: ChatResult::default(), started, first: None })
    }

    /// What the model has said, counted.
    pub fn heard(&mut self, hearing: Hearing) -> ChatResult {
        let Hearing { mut result, started, first, .. } = hearing;
        let elapsed = started.elapsed().as_secs_f64();
        let usage = &mut result.usage;
        if usage.latency == 0.0 {
            usage.latency = milli(elapsed);
        }
        if let Some(first) = first {
            usage.time_to_first_token.get_or_insert(milli(first));
            usage.time_to_generate.get_or_insert(milli((elapsed - first).max(0.0)));
        }
        self.usage += &result.usage;
        result
    }

    /// Makes the calls of a round, several at a time, and tells how they go in the order they were asked for. A person
    /// is asked about one call after another, and no later call begins before the answer: what was called already is
    /// known with each question.
    pub async fn calls(&mut self, calls: Vec<AskedCall>) -> Vec<CallOutcome> {
        let (round, limit) = (self.round, self.observation_limit());
        let mut outcomes = Vec::with_capacity(calls.len());
        {
            let (toolbox, events) = (&self.toolbox, &self.events);
            let mut made = futures::stream::iter(calls.into_iter().enumerate())
                .then(move |(position, call)| begin(toolbox, events, call, (round, position), limit))
                .buffered(CALLS_AT_ONCE)
                .boxed();
            while let Some(outcome) = made.next().await {
                if let Some(usage) = &outcome.usage {
                    self.usage += usage;
                }
                outcomes.push(outcome.clone());
                let _ = events.send(AgentEvent::CallFinished(Box::new(outcome))).await;
            }
        }
        // The model has asked for all of them before it read what any of them told.
        if let Some(known) = self.toolbox.provenance() {
            for outcome in &outcomes {
                known.distrust(outcome.call.name.as_str(), &outcome.observation);
            }
        }
        outcomes
    }

    /// Tells what the model thought in this round.
    pub async fn thought(&self, thought: Thought) {
        self.tell(AgentEvent::Thought(Box::new(thought))).await;
    }

    /// Ends the round.
    pub async fn end(&self) {
        self.tell(AgentEvent::RoundFinished { round: self.round }).await;
    }

    /// How many characters of an observation the model is told: about a quarter of its window.
    fn observation_limit(&self) -> usize {
        let window = self.window.map_or(MAX_OBSERVATION, |window| usize::try_from(window).unwrap_or(usize::MAX));
        window.clamp(LEAST_OBSERVATION, MAX_OBSERVATION)
    }

    /// Shortens what tools told, the oldest first, until the prompt fits into the model's window. Tells what it did,
    /// where the prompt did not fit.
    pub fn fit(&self, messages: &mut [Message], tools: &[ToolSpec]) -> Option<WindowFit> {
        let mut fit = self.beyond(messages, tools)?;
        for message in messages.iter_mut().filter(|message| message.role == Role::Tool) {
            if fit.fits() {
                break;
            }
            let Some(told) = shortened(&message.plain_text()) else { continue };
            let before = self.tokens(message);
            message.content = vec![ContentPart::text(told)];
            fit.shortened(before, self.tokens(message));
        }
        Some(fit)
    }

    /// How far a prompt is beyond the model's window; nothing where it fits, or nobody knows.
    pub fn beyond(&self, messages: &[Message], tools: &[ToolSpec]) -> Option<WindowFit> {
        let window = self.window?;
        let answer = self.task.parameters.get("max_tokens").and_then(Json::as_u64).unwrap_or(window / 8);
        let counted = self.models.count_tokens(&self.task.model, messages, tools);
        let fit = WindowFit {
            context_size: Some(window),
            reserved_tokens: answer,
            room_tokens: window.saturating_sub(answer),
            counted_tokens: counted,
            kept_tokens: counted,
            ..WindowFit::default()
        };
        (!fit.fits()).then_some(fit)
    }

    /// Tokens of one message.
    pub fn tokens(&self, message: &Message) -> u64 {
        let count = |messages: &[Message]| self.models.count_tokens(&self.task.model, messages, &[]);
        count(std::slice::from_ref(message)).saturating_sub(count(&[]))
    }
}

/// Tells of a call and gets ready for it: the call itself is what comes of that.
async fn begin<'a>(
    toolbox: &'a Toolbox,
    events: &'a mpsc::Sender<AgentEvent>,
    call: AskedCall,
    place: (u32, usize),
    limit: usize,
) -> BoxFuture<'a, CallOutcome> {
    // A reader that is gone is told nothing.
    let _ = events.send(AgentEvent::CallStarted(Box::new(call.clone()))).await;
    let ready = toolbox.ready(call).await;
    Box::pin(toolbox.make(ready, place, limit))
}

/// The beginning of a long observation; nothing where it is short.
pub(crate) fn shortened(text: &str) -> Option<String> {
    let length = text.chars().count();
    if length <= KEPT_OBSERVATION * 2 {
        return None;
    }
    let kept: String = text.chars().take(KEPT_OBSERVATION).collect();
    Some(format!("{kept}\n[{} more characters were dropped to make room]", length - KEPT_OBSERVATION))
}

/// Seconds with three decimals.
fn milli(seconds: f64) -> f64 {
    (seconds * 1000.0).round() / 1000.0
}

/// A prompt as logs show it: contents of files are left out.
pub(crate) fn shown(messages: &[Message]) -> Json {
    messages
        .iter()
        .map(|message| {
            let mut shown = json!({"role": message.role.as_str(), "text": message.plain_text(), "files": []});
            if let (Json::Object(fields), false) = (&mut shown, message.tool_calls.is_empty()) {
                let calls = message.tool_calls.iter();
                let calls: Json = calls
                    .map(|call| {
                        json!({"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}})
                    })
                    .collect();
                fields.insert("tool_calls".to_owned(), calls);
            }
            shown
        })
        .collect()
}
