//! A run of a basic app (chat, completion, agent): what comes before the model, and how it begins and ends.

mod asking;
mod ending;
mod settings;

use std::{sync::Arc, time::Instant};

use ox_db::{
    model::{Conversation, Message},
    now,
};
use ox_models::{ContentPart, Usage, WindowFit};
use ox_types::{Json, Object, TaskId, Value};
use tokio_util::sync::CancellationToken;

use self::settings::{config_of, media_of, read_by, unavailable};
pub use self::settings::{features, features_json, form};
pub(super) use self::{
    asking::Growing,
    ending::{End, Fault},
};
use super::{
    agent::AgentMode,
    given,
    lookup::{Context, Lookup},
    naming,
    prompt::{BasicPrompt, Round},
};
use crate::{
    AppCaller, Result, Services,
    annotation_reply::{self, Matched},
    files::FileRules,
    moderation::{ExternalTools, InputVerdict, Moderator},
    runs::{
        InvokeFrom, StreamBody, StreamHead,
        delta::{Delta, Touch},
        hub::{Hub, Subscription},
        launch::{message_files, new_conversation, new_message, parent_of},
        limits::RunPermit,
        recorder::Recording,
        runtime::{Control, LiveRun},
        start::{RunRequest, checked_query, inputs_json, reader},
    },
};

/// Everything the generating task needs.
pub(super) struct Job {
    pub(super) services: Arc<Services>,
    pub(super) caller: AppCaller,
    pub(super) prompt: BasicPrompt,
    pub(super) inputs: Object,
    /// What the model is asked: the message's own question, or what moderation made of it.
    pub(super) query: String,
    pub(super) media: Vec<ContentPart>,
    pub(super) message: Message,
    pub(super) moderator: Option<Moderator>,
    pub(super) tools: ExternalTools,
    pub(super) lookup: Option<Lookup>,
    /// Sources are told with the answer.
    pub(super) shows_sources: bool,
    pub(super) context: Context,
    /// How the agent works; `None` where the model is asked once.
    pub(super) agent: Option<AgentMode>,
    /// What an agent has used so far.
    pub(super) spent: Usage,
    pub(super) matched: Option<Matched>,
    pub(super) has_history: bool,
    /// What was said before the conversation began here, oldest first.
    pub(super) given: Vec<Round>,
    /// What of both the model's window had no room for.
    pub(super) window: Option<WindowFit>,
    /// The caller's instructions, behind those of the app.
    pub(super) system: Option<String>,
    /// How many apps have called one another to come here.
    pub(super) call_depth: u32,
    pub(super) recording: Arc<Recording>,
    pub(super) stop: CancellationToken,
}

/// Starts a run of a basic app.
///
/// # Errors
/// What is wrong with the request or the app's configuration.
pub(crate) async fn start(
    services: &Arc<Services>,
    caller: &AppCaller,
    request: RunRequest,
    permit: Option<RunPermit>,
) -> Result<Subscription> {
    let is_chat = caller.app.mode.is_chat();
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
    let asked = form(&config);
    let inputs = asked.check(&Json::Object(request.inputs), &reader).await?;
    let mut media = media_of(services, caller, &files, features.file_upload.as_ref()).await?;
    let of_form = read_by(&prompt.model, services, caller, asked.files_of(&inputs)).await;
    media.extend(media_of(services, caller, &of_form, features.file_upload.as_ref()).await?);
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
    let agent = AgentMode::of(services, caller, &config, &prompt).await;
    message.agent_based = agent.is_some();
    let hub = Hub::new(head(caller, &message));
    let reader = hub.subscribe();
    let recording = services.runs.recorder.begin(Arc::clone(&hub));
    let lookup = Lookup::read(caller.app.mode, &config).map(|lookup| lookup.with(&files));
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
    services.runs.called_by(hub.head.task_id, request.callers);
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
        lookup,
        shows_sources: features.retriever_resource,
        context: Context::default(),
        agent,
        spent: Usage::default(),
        matched: None,
        has_history,
        given,
        window: None,
        call_depth: request.call_depth,
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

fn register(
    services: &Services,
    caller: &AppCaller,
    hub: &Arc<Hub>,
    stop: CancellationToken,
    permit: Option<RunPermit>,
) {
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
        left: std::sync::atomic::AtomicBool::new(false),
        _permit: permit,
    });
}

impl Job {
    async fn generate(mut self) {
        let started = Instant::now();
        let limit = self.services.settings.limits.max_time;
        let mut growing = Growing::new(self.moderator.clone());
        let work = self.work(&mut growing, started);
        let end = match tokio::time::timeout(limit, work).await {
            Ok(Ok(end)) => end,
            Ok(Err(fault)) => fault.into(),
            // Past the time limit the run ends as if its user had stopped it.
            Err(_) => End::Stopped,
        };
        let end = self.last_word(&mut growing, end).await;
        self.finish(growing.text, end, started).await;
    }

    async fn work(&mut self, growing: &mut Growing, started: Instant) -> Result<End, Fault> {
        if let Some(end) = self.prepare(&mut growing.text).await? {
            return Ok(end);
        }
        match self.agent.take() {
            Some(agent) => self.work_as_agent(agent, growing, started).await,
            None => self.answer(growing, started).await,
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
        if self.caller.app.mode.is_chat() {
            self.matched = tokio::select! {
                () = stop.cancelled() => return Ok(Some(End::Stopped)),
                matched = annotation_reply::reply(&self.services, &self.caller.app, &self.query) => matched,
            };
            if let Some(matched) = &self.matched {
                matched.keep(&self.services, &self.caller, &self.query, self.message.id).await;
                let text = matched.annotation.content.clone();
                return Ok(Some(self.tell(answer, text).await));
            }
        }
        let tools = std::mem::take(&mut self.tools);
        // An agent looks up by itself what it wants to know.
        let lookup = if self.agent.is_none() { self.lookup.take() } else { None };
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
}
