//! A run of a basic chat or completion app: prompt, model, answer.

use std::{
    borrow::Cow,
    sync::Arc,
    time::{Duration, Instant},
};

use futures::StreamExt;
use ox_db::{
    model::{AppModelConfig, Conversation, Message},
    now, repo,
};
use ox_dsl::features::{Features, FileUpload};
use ox_models::{
    ChatDelta, ChatRequest, ChatStream, CompletionRequest, ContentPart, ErrorClass, Media, MediaSource, ModelError,
    ModelKind, ModelRuntime, ModelScope, Usage,
};
use ox_types::{Json, Object, TaskId, Value};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::{
    given,
    lookup::{Context, Lookup},
    naming,
    prompt::{Assembled, BasicPrompt, Round},
    thread,
};
use crate::{
    AppCaller, Error, Result, Services,
    annotation_reply::{self, Matched},
    files::FileRules,
    moderation::{Change, ExternalTools, InputVerdict, Moderator, OutputVerdict, Watch},
    runs::{
        AppMode, InvokeFrom, MessageMetadata, StreamBody, StreamHead,
        delta::{Delta, Touch},
        hub::{Hub, Subscription},
        inputs::InputForm,
        launch::{message_files, new_conversation, new_message, parent_of, record_late},
        limits::RunPermit,
        recorder::Recording,
        runtime::{Control, LiveRun},
        sink::fill_message,
        start::{RunRequest, checked_query, inputs_json, reader},
    },
};

/// Earlier rounds that are considered at all.
const MAX_ROUNDS: u64 = 100;
/// The same, with those before the conversation began here.
const MOST_ROUNDS: usize = 200;
/// How often a growing answer is recorded: what a dead process leaves of it.
const SAVE_EVERY: Duration = Duration::from_secs(2);
/// Tokens of history when the model's window is not known.
const DEFAULT_HISTORY: u64 = 2000;

/// Everything the generating task needs.
struct Job {
    services: Arc<Services>,
    caller: AppCaller,
    prompt: BasicPrompt,
    inputs: Object,
    /// What the model is asked: the message's own question, or what moderation made of it.
    query: String,
    media: Vec<ContentPart>,
    message: Message,
    moderator: Option<Moderator>,
    tools: ExternalTools,
    lookup: Option<Lookup>,
    /// Sources are told with the answer.
    shows_sources: bool,
    context: Context,
    matched: Option<Matched>,
    has_history: bool,
    /// What was said before the conversation began here, oldest first.
    given: Vec<Round>,
    /// The caller's instructions, behind those of the app.
    system: Option<String>,
    recording: Arc<Recording>,
    stop: CancellationToken,
}

/// Starts a run of a basic app.
///
/// # Errors
/// What is wrong with the request or the app's configuration.
pub(crate) async fn start(
    services: &Arc<Services>,
    caller: &AppCaller,
    request: RunRequest,
    permit: RunPermit,
) -> Result<Subscription> {
    let is_chat = caller.app.mode == AppMode::Chat;
    let query = if is_chat {
        checked_query(request.query.as_deref())?
    } else {
        request.query.as_deref().unwrap_or_default().replace('\0', "")
    };
    let conversation = match request.conversation_id {
        Some(id) if is_chat => Some(crate::conversations::find(services, caller, id).await?),
        _ => None,
    };
    let config = config_of(services, caller, conversation.as_ref()).await?;
    let prompt = BasicPrompt::read(&config).ok_or_else(unavailable)?;
    let features = features(&config);
    let reader = reader(services, caller, false);
    let files = match &features.file_upload {
        Some(feature) => reader.list(&request.files, Some(&FileRules::from(feature))).await?,
        None => Vec::new(),
    };
    let inputs = form(&config).check(&Json::Object(request.inputs), &reader).await?;
    let media = media_of(services, caller, &files, features.file_upload.as_ref()).await?;
    let at = now();
    let stored = inputs_json(&inputs);
    let has_history = conversation.is_some();
    let (conversation, is_new) = match conversation {
        Some(conversation) => (conversation, false),
        None => {
            let introduction = naming::introduction(&features.opening_statement, &inputs);
            let mut new = new_conversation(caller, at, &query, stored.clone(), introduction);
            new.app_model_config_id = Some(config.id);
            new.model_provider = Some(prompt.model.provider.clone());
            new.model_id = Some(prompt.model.name.clone());
            (new, true)
        }
    };
    let mut message = new_message(caller, at, &conversation, &query, &stored);
    message.parent_message_id = parent_of(caller, request.parent_message_id);
    message.owner = Some(services.runs.process_id);
    message.model_provider = Some(prompt.model.provider.clone());
    message.model_id = Some(prompt.model.name.clone());
    let hub = Hub::new(head(caller, &message));
    let reader = hub.subscribe();
    let recording = services.runs.recorder.begin(Arc::clone(&hub));
    let values: Vec<Value> = files.into_iter().map(Value::from).collect();
    let given = if is_new {
        given::keep(services, caller.app.app.id, conversation.id, &request.history).await?;
        request.history
    } else {
        given::of(&services.db, conversation.id).await?
    };
    let first = Delta {
        touch: Some(Touch { conversation_id: conversation.id, at, messages: 1 }),
        message_files: message_files(caller, message.id, &values, at),
        message: Some(message.clone()),
        conversation: is_new.then(|| conversation.clone()),
        ..Delta::default()
    };
    recording.put(Some(first), at.timestamp(), Vec::new(), false).await?;
    let stop = CancellationToken::new();
    register(services, caller, &hub, stop.clone(), permit);
    let wants_name =
        is_new && is_chat && request.auto_generate_name && !matches!(caller.invoke_from, InvokeFrom::Debugger);
    let (tenant, app, user) = (caller.tenant_id(), caller.app.app.id, caller.user.id().to_string());
    let feature = features.sensitive_word_avoidance.as_ref();
    let job = Job {
        services: Arc::clone(services),
        caller: caller.clone(),
        prompt,
        inputs,
        query,
        media,
        message,
        moderator: Moderator::new(services, feature, tenant, app, user),
        tools: ExternalTools::read(config.external_data_tools.as_ref(), config.user_input_form.as_ref()),
        lookup: Lookup::read(caller.app.mode, &config),
        shows_sources: features.retriever_resource,
        context: Context::default(),
        matched: None,
        has_history,
        given,
        system: request.system.filter(|text| !text.trim().is_empty()),
        recording,
        stop,
    };
    let task_id = hub.head.task_id;
    services.runs.tracker.spawn(run(job, conversation, wants_name, task_id));
    Ok(reader)
}

async fn run(job: Job, conversation: Conversation, wants_name: bool, task_id: TaskId) {
    let services = Arc::clone(&job.services);
    let (caller, query) = (job.caller.clone(), job.message.query.clone());
    let message = job.message.id;
    job.generate().await;
    services.traces.ended(crate::traces::Ended::Message {
        tenant: caller.tenant_id(),
        app: caller.app.app.id,
        message,
    });
    services.runs.remove(task_id);
    if wants_name {
        let (tenant, app) = (caller.tenant_id(), caller.app.app.id);
        if let Err(error) = super::titles::name_conversation(&services, tenant, app, conversation.id, &query).await {
            tracing::warn!(%error, "a conversation keeps its first name");
        }
    }
}

fn head(caller: &AppCaller, message: &Message) -> StreamHead {
    StreamHead {
        mode: caller.app.mode,
        invoke_from: caller.invoke_from,
        task_id: TaskId::new(),
        run_id: None,
        workflow_id: None,
        conversation_id: Some(message.conversation_id),
        message_id: Some(message.id),
        created_at: message.created_at.timestamp(),
        user: caller.user.clone(),
    }
}

fn register(services: &Services, caller: &AppCaller, hub: &Arc<Hub>, stop: CancellationToken, permit: RunPermit) {
    services.runs.add(LiveRun {
        task_id: hub.head.task_id,
        app_id: caller.app.app.id,
        run_id: None,
        user_id: caller.user.id(),
        is_chat: true,
        hub: Arc::clone(hub),
        started: Instant::now(),
        control: Control::Basic(stop),
        is_stopping: std::sync::atomic::AtomicBool::new(false),
        _permit: Some(permit),
    });
}

/// An existing conversation keeps the configuration it began with.
async fn config_of(
    services: &Services,
    caller: &AppCaller,
    conversation: Option<&Conversation>,
) -> Result<Arc<AppModelConfig>> {
    // The editor tries a configuration that is not stored.
    let stored = conversation.filter(|_| caller.invoke_from != InvokeFrom::Debugger);
    if let Some(id) = stored.and_then(|conversation| conversation.app_model_config_id)
        && let Some(config) = services.runs.published.config(id).await?
    {
        return Ok(config);
    }
    caller.app.config.clone().ok_or_else(unavailable)
}

fn unavailable() -> Error {
    Error::new(400, "app_unavailable", "App unavailable, please check your app configurations.")
}

/// The features of a stored configuration.
#[must_use]
pub fn features(config: &AppModelConfig) -> Features {
    Features::read(&features_json(config))
}

/// The stored configuration with the keys that features have in a workflow.
#[must_use]
pub fn features_json(config: &AppModelConfig) -> Json {
    json!({
        "opening_statement": config.opening_statement,
        "suggested_questions": config.suggested_questions,
        "suggested_questions_after_answer": config.suggested_questions_after_answer,
        "speech_to_text": config.speech_to_text,
        "text_to_speech": config.text_to_speech,
        "retriever_resource": config.retriever_resource,
        "more_like_this": config.more_like_this,
        "sensitive_word_avoidance": config.sensitive_word_avoidance,
        "file_upload": config.file_upload,
    })
}

/// The questions that a basic app asks its users.
#[must_use]
pub fn form(config: &AppModelConfig) -> InputForm {
    InputForm::of_basic(&json!({ "user_input_form": config.user_input_form }))
}

async fn media_of(
    services: &Services,
    caller: &AppCaller,
    files: &[ox_types::File],
    feature: Option<&FileUpload>,
) -> Result<Vec<ContentPart>> {
    let mut parts = Vec::with_capacity(files.len());
    for file in files {
        let mime = file.mime_type.clone().unwrap_or_else(|| "application/octet-stream".to_owned());
        let source = match (&file.transfer_method, &file.remote_url) {
            (ox_types::TransferMethod::RemoteUrl, Some(url)) => MediaSource::Url(url.clone()),
            _ => MediaSource::Base64(services.files.base64(caller.tenant_id(), file).await?),
        };
        let detail = feature.map(|feature| feature.image_detail.clone());
        let media = Media { source, mime, filename: file.filename.clone(), detail };
        parts.push(match file.kind {
            ox_types::FileKind::Image => ContentPart::Image(media),
            ox_types::FileKind::Audio => ContentPart::Audio(media),
            ox_types::FileKind::Video => ContentPart::Video(media),
            _ => ContentPart::Document(media),
        });
    }
    Ok(parts)
}

/// How a generation ended.
enum End {
    Done(Box<Usage>),
    Stopped,
    /// Moderation put its own text in the place of what was generated.
    Replaced {
        generated: String,
    },
    /// The answer was prepared: no model was asked.
    Told,
    Failed {
        code: Cow<'static, str>,
        status: u16,
        message: String,
    },
}

/// Why there is no answer.
enum Fault {
    Model(ModelError),
    App(Error),
}

impl From<ModelError> for Fault {
    fn from(error: ModelError) -> Self {
        Self::Model(error)
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::App(error)
    }
}

impl Job {
    async fn generate(mut self) {
        let started = Instant::now();
        let limit = self.services.settings.limits.max_time;
        let mut answer = String::new();
        let mut watch = self.moderator.clone().and_then(Watch::new);
        let work = self.work(&mut answer, &mut watch, started);
        let end = match tokio::time::timeout(limit, work).await {
            Ok(Ok(end)) => end,
            Ok(Err(fault)) => failed(fault),
            // Past the time limit the run ends as if its user had stopped it.
            Err(_) => End::Stopped,
        };
        let end = self.last_word(&mut answer, watch, end).await;
        self.finish(answer, end, started).await;
    }

    async fn work(&mut self, answer: &mut String, watch: &mut Option<Watch>, started: Instant) -> Result<End, Fault> {
        match self.prepare(answer).await? {
            Some(end) => Ok(end),
            None => self.answer(answer, watch, started).await,
        }
    }

    /// What comes before the model: moderation of the input, then variables from outside.
    async fn prepare(&mut self, answer: &mut String) -> Result<Option<End>, Fault> {
        let stop = self.stop.clone();
        let verdict = match &self.moderator {
            Some(moderator) => tokio::select! {
                () = stop.cancelled() => return Ok(Some(End::Stopped)),
                verdict = moderator.inputs(&self.inputs, &self.query) => verdict?,
            },
            None => InputVerdict::Pass,
        };
        match verdict {
            InputVerdict::Pass => {}
            InputVerdict::Replace { inputs, query } => {
                self.inputs = inputs;
                self.query = query;
            }
            InputVerdict::Answer(text) => return Ok(Some(self.tell(answer, text).await)),
        }
        let (tenant, app) = (self.caller.tenant_id(), self.caller.app.app.id);
        if self.caller.app.mode == AppMode::Chat {
            self.matched = tokio::select! {
                () = stop.cancelled() => return Ok(Some(End::Stopped)),
                matched = annotation_reply::reply(&self.services, tenant, app, &self.query) => matched,
            };
            if let Some(matched) = &self.matched {
                matched.keep(&self.services, &self.caller, &self.query, self.message.id).await;
                let text = matched.annotation.content.clone();
                return Ok(Some(self.tell(answer, text).await));
            }
        }
        let tools = std::mem::take(&mut self.tools);
        let lookup = self.lookup.take();
        let work = async {
            tools.fill(&self.services, tenant, app, &mut self.inputs, &self.query).await?;
            if let Some(lookup) = lookup {
                let (services, caller) = (&self.services, &self.caller);
                self.context = lookup.run(services, caller, &self.prompt, &self.inputs, &self.query).await?;
            }
            Ok(None)
        };
        tokio::select! {
            () = stop.cancelled() => Ok(Some(End::Stopped)),
            done = work => done,
        }
    }

    /// Answers by a text that nobody generates.
    async fn tell(&self, answer: &mut String, text: String) -> End {
        // Compat: one event a character.
        let shown = text.chars().map(|c| StreamBody::Text { text: c.to_string().into(), selector: None });
        let show = shown.collect();
        *answer = text;
        match self.recording.put(None, now().timestamp(), show, false).await {
            Ok(()) => End::Told,
            Err(_) => End::Stopped,
        }
    }

    /// Output moderation of the whole answer, also of one that was cut off.
    async fn last_word(&self, answer: &mut String, watch: Option<Watch>, end: End) -> End {
        let Some(mut watch) = watch.filter(|_| matches!(end, End::Done(_) | End::Stopped)) else { return end };
        let Some(Change::End(text) | Change::Text(text)) = watch.last(answer).await else { return end };
        let generated = self.replace(answer, text).await;
        match end {
            End::Done(usage) => End::Done(usage),
            _ => End::Replaced { generated },
        }
    }

    /// Shows another text instead of the answer; returns what was there.
    async fn replace(&self, answer: &mut String, text: String) -> String {
        let generated = std::mem::replace(answer, text);
        let show = vec![StreamBody::TextReplace { text: answer.as_str().into(), reason: "" }];
        if let Err(error) = self.recording.put(None, now().timestamp(), show, false).await {
            tracing::debug!(%error, "a replaced answer cannot be shown: it cannot be recorded");
        }
        generated
    }

    async fn answer(&mut self, answer: &mut String, watch: &mut Option<Watch>, started: Instant) -> Result<End, Fault> {
        let stop = self.stop.clone();
        let mut stream = tokio::select! {
            () = stop.cancelled() => return Ok(End::Stopped),
            stream = self.ask() => stream?,
        };
        let mut usage = None;
        let mut saved = Instant::now();
        loop {
            let delta = tokio::select! {
                biased;
                () = stop.cancelled() => return Ok(End::Stopped),
                (upto, verdict) = verdict_of(watch) => {
                    let change = verdict.zip(watch.as_mut()).map(|(verdict, watch)| watch.applied(verdict, upto, answer));
                    match change {
                        None => {}
                        Some(Change::End(text)) => {
                            return Ok(End::Replaced { generated: self.replace(answer, text).await });
                        }
                        Some(Change::Text(text)) => _ = self.replace(answer, text).await,
                    }
                    continue;
                }
                delta = stream.next() => delta,
            };
            let Some(ChatDelta { text, usage: told, .. }) = delta.transpose()? else { break };
            usage = told.or(usage);
            if text.is_empty() {
                continue;
            }
            answer.push_str(&text);
            if let Some(watch) = watch {
                watch.saw(&text, answer);
            }
            let so_far = (saved.elapsed() >= SAVE_EVERY).then(|| {
                saved = Instant::now();
                let message = Message { answer: answer.clone(), ..self.message.clone() };
                Delta { message: Some(message), ..Delta::default() }
            });
            let show = vec![StreamBody::Text { text: text.into(), selector: None }];
            if self.recording.put(so_far, now().timestamp(), show, false).await.is_err() {
                return Ok(End::Stopped);
            }
        }
        let mut usage = usage.unwrap_or_default();
        if usage.latency == 0.0 {
            usage.latency = started.elapsed().as_secs_f64();
        }
        Ok(End::Done(Box::new(usage)))
    }

    fn scope(&self) -> ModelScope {
        ModelScope {
            tenant_id: self.caller.tenant_id(),
            app_id: Some(self.caller.app.app.id),
            user: Some(self.caller.user.id().to_string()),
            run_id: None,
            node_id: None,
        }
    }

    async fn ask(&mut self) -> Result<ChatStream, ModelError> {
        let scope = self.scope();
        let models = &self.services.models;
        let history = self.history(&scope).await;
        let media = std::mem::take(&mut self.media);
        let mut assembled = self.prompt.assemble(&self.inputs, &self.query, &self.context.text, media, &history);
        if let Some(text) = &self.system {
            assembled.instruct(text);
        }
        self.message.message = Some(saved_prompt(&assembled));
        let (parameters, user) = (self.prompt.parameters.clone(), scope.user.clone());
        match assembled {
            Assembled::Chat(messages) => {
                let stop = self.prompt.stop.clone();
                let request = ChatRequest { messages, parameters, stop, user, stream: true, ..ChatRequest::default() };
                models.chat(&scope, &self.prompt.model, request).await
            }
            Assembled::Completion { prompt, stop } => {
                let request =
                    CompletionRequest { prompt, parameters, stop, user, stream: true, ..CompletionRequest::default() };
                models.completion(&scope, &self.prompt.model, request).await
            }
        }
    }

    /// Earlier rounds, oldest first, as many of the newest as fit into the model's window.
    async fn history(&self, scope: &ModelScope) -> Vec<Round> {
        if !self.has_history && self.given.is_empty() {
            return Vec::new();
        }
        let messages = if self.has_history { self.earlier().await } else { Vec::new() };
        let room = self.history_room(scope).await;
        let messages = thread::remembered(thread::before(self.message.parent_message_id, messages));
        let told = messages.into_iter().filter(|message| !message.answer.is_empty());
        let told = told.map(|message| Round { query: message.query, answer: message.answer });
        let mut rounds = Vec::new();
        let mut used = 0;
        for round in told.chain(self.given.iter().rev().cloned()).take(MOST_ROUNDS) {
            let asked = ox_models::Message::user(round.query.clone());
            let told = ox_models::Message::assistant(round.answer.clone());
            used += self.services.models.count_tokens(&self.prompt.model, &[asked, told], &[]);
            if used > room {
                break;
            }
            rounds.push(round);
        }
        rounds.reverse();
        rounds
    }

    /// The newest messages of the conversation before this one.
    async fn earlier(&self) -> Vec<Message> {
        let before = Some(&self.message);
        let page = repo::messages::list(&self.services.db, self.message.conversation_id, before, MAX_ROUNDS).await;
        page.map(|page| page.items).unwrap_or_else(|error| {
            tracing::error!(%error, "the history of a conversation cannot be read");
            Vec::new()
        })
    }

    async fn history_room(&self, scope: &ModelScope) -> u64 {
        let spec = self.services.models.describe(scope, &self.prompt.model, ModelKind::Llm).await;
        let Some(window) = spec.and_then(|spec| spec.context_size()) else { return DEFAULT_HISTORY };
        let answer = self.prompt.parameters.get("max_tokens").and_then(Json::as_u64).unwrap_or(window / 4);
        let question = ox_models::Message::user(self.message.query.clone());
        let asked = self.services.models.count_tokens(&self.prompt.model, &[question], &[]);
        window.saturating_sub(answer).saturating_sub(asked)
    }

    async fn finish(mut self, answer: String, end: End, started: Instant) {
        let at = now();
        let (usage, error) = match end {
            End::Done(usage) => (*usage, None),
            End::Stopped => (self.counted(&answer, started).await, None),
            End::Replaced { generated } => (self.counted(&generated, started).await, None),
            End::Told => (Usage::default(), None),
            End::Failed { code, status, message } => (Usage::default(), Some((code, status, message))),
        };
        let annotation_reply = match &self.matched {
            Some(matched) => matched.told(&self.services).await,
            None => None,
        };
        let sources = std::mem::take(&mut self.context.resources);
        let retriever_resources = if self.shows_sources { sources } else { Vec::new() };
        let metadata = Arc::new(MessageMetadata { annotation_reply, retriever_resources, usage });
        fill_message(&mut self.message, &answer, &metadata, at);
        self.message.owner = None;
        let show = match error {
            None => StreamBody::MessageEnd { answer: answer.into(), metadata, files: "null".into() },
            Some((code, status, message)) => {
                self.message.status = "error".to_owned();
                self.message.error = Some(message.clone());
                StreamBody::Error { code, status, message }
            }
        };
        let mut change = Delta {
            touch: Some(Touch { conversation_id: self.message.conversation_id, at, messages: 0 }),
            message: Some(self.message),
            ..Delta::default()
        };
        let put = self.recording.put(Some(change.clone()), at.timestamp(), vec![show], true).await;
        // The task ends when its last words are durable: shutdown waits for it.
        let recorded = match put {
            Ok(()) => self.recording.barrier().await,
            Err(error) => Err(error),
        };
        if let Err(error) = recorded {
            tracing::error!(%error, "the end of a message cannot be recorded; trying again until it can");
            if let Some(message) = &mut change.message {
                message.status = "error".to_owned();
                message.error = Some(format!("The answer could not be recorded: {error}"));
            }
            let services = Arc::clone(&self.services);
            self.services.runs.tracker.spawn(record_late(services, Arc::new(change)));
        }
    }

    /// Usage of an answer that was cut off.
    async fn counted(&self, answer: &str, started: Instant) -> Usage {
        let models = &self.services.models;
        let asked = ox_models::Message::user(self.message.message.clone().unwrap_or_default());
        let told = ox_models::Message::assistant(answer);
        let pricing = models
            .describe(&self.scope(), &self.prompt.model, ModelKind::Llm)
            .await
            .and_then(|spec| spec.pricing.clone());
        let mut usage = Usage::priced(
            models.count_tokens(&self.prompt.model, &[asked], &[]),
            models.count_tokens(&self.prompt.model, &[told], &[]),
            pricing.as_ref(),
        );
        usage.latency = started.elapsed().as_secs_f64();
        usage
    }
}

/// The prompt as the log keeps it.
fn saved_prompt(assembled: &Assembled) -> String {
    let json = match assembled {
        Assembled::Chat(messages) => messages
            .iter()
            .map(|message| json!({"role": message.role.as_str(), "text": message.plain_text(), "files": []}))
            .collect(),
        Assembled::Completion { prompt, .. } => json!([{"role": "user", "text": prompt, "files": []}]),
    };
    json.to_string()
}

/// The verdict of a check under way; never without one.
async fn verdict_of(watch: &mut Option<Watch>) -> (usize, Option<OutputVerdict>) {
    match watch {
        Some(watch) => watch.verdict().await,
        None => std::future::pending().await,
    }
}

/// What a failure is to the caller.
fn failed(fault: Fault) -> End {
    let error = match fault {
        Fault::Model(error) => error,
        Fault::App(Error { status, code, message, .. }) => return End::Failed { code, status, message },
    };
    let (code, message) = match error.class {
        ErrorClass::NotFound if error.status.is_none() => ("provider_not_initialize", error.text.clone()),
        ErrorClass::Auth if error.status.is_none() => ("provider_not_initialize", error.text.clone()),
        ErrorClass::Auth => ("completion_request_error", "Incorrect API key provided".to_owned()),
        _ => ("completion_request_error", error.to_string()),
    };
    End::Failed { code: code.into(), status: 400, message }
}
