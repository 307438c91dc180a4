//! The rounds of an agent: as rows, and as events of the stream.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use ox_agents::{AgentEvent, AskedCall, CallOutcome, Strategy, Thought};
use ox_db::{
    model::{AgentThought, MessageFile},
    now,
};
use ox_types::{File, FileId, Json, MessageId};
use serde_json::{Map, json};

use super::AgentMode;
use crate::{
    AppCaller,
    runs::{
        ShownFile, StreamBody,
        delta::{Delta, Thoughts},
    },
};

/// Compat: what is shown of a thought without words.
const NO_WORDS: &str = "I am thinking about how to help you";

/// Bytes of a prompt that are kept of each round.
const MAX_PROMPT: usize = 64 * 1024;

/// The rounds of one message.
pub struct Rounds {
    message: MessageId,
    created_by_role: String,
    created_by: uuid::Uuid,
    is_react: bool,
    row: Option<AgentThought>,
    /// Under which names the calls of the round are told: two calls of one tool have two.
    keys: Vec<String>,
    inputs: Map<String, Json>,
    observations: Map<String, Json>,
    metas: Map<String, Json>,
    files: Vec<String>,
    done: usize,
    /// The last that was said is no part of the answer.
    pub is_thinking: bool,
}

impl Rounds {
    /// No round yet.
    pub fn new(caller: &AppCaller, message: MessageId, agent: &AgentMode) -> Self {
        Self {
            message,
            created_by_role: caller.user.role().to_owned(),
            created_by: caller.user.id(),
            is_react: agent.strategy == Strategy::ReAct,
            row: None,
            keys: Vec::new(),
            inputs: Map::new(),
            observations: Map::new(),
            metas: Map::new(),
            files: Vec::new(),
            done: 0,
            is_thinking: false,
        }
    }

    /// What an event changes and shows.
    pub fn take(&mut self, event: AgentEvent) -> (Delta, Vec<StreamBody>) {
        match event {
            AgentEvent::RoundStarted { round } => self.begin(round),
            AgentEvent::Thought(thought) => self.thought(&thought),
            AgentEvent::CallFinished(outcome) => self.called(*outcome),
            AgentEvent::RoundFinished { .. } => self.end(),
            _ => (Delta::default(), Vec::new()),
        }
    }

    fn begin(&mut self, round: u32) -> (Delta, Vec<StreamBody>) {
        let zero = || "0".to_owned();
        self.row = Some(AgentThought {
            id: ox_types::new_uuid(),
            message_id: self.message,
            position: i32::try_from(round).unwrap_or(i32::MAX),
            thought: Some(String::new()),
            tool: Some(String::new()),
            tool_labels: json!({}),
            tool_meta: json!({}),
            tool_input: Some(String::new()),
            observation: Some(String::new()),
            tool_process_data: None,
            message: None,
            message_token: 0,
            message_unit_price: zero(),
            message_price_unit: "0.001".to_owned(),
            message_files: json!([]),
            answer: Some(String::new()),
            answer_token: 0,
            answer_unit_price: zero(),
            answer_price_unit: "0.001".to_owned(),
            tokens: 0,
            total_price: zero(),
            currency: "USD".to_owned(),
            latency: 0.0,
            created_by_role: self.created_by_role.clone(),
            created_by: self.created_by,
            created_at: now(),
        });
        self.keys.clear();
        self.inputs.clear();
        self.observations.clear();
        self.metas.clear();
        self.files.clear();
        self.done = 0;
        self.changed(true)
    }

    fn thought(&mut self, thought: &Thought) -> (Delta, Vec<StreamBody>) {
        for call in &thought.calls {
            let key = self.free_key(&call.name);
            self.inputs.insert(key.clone(), call.arguments.clone());
            self.keys.push(key);
        }
        let labels = self.keys.iter().zip(&thought.calls).map(|(key, call)| (key.clone(), label(call))).collect();
        let Some(row) = &mut self.row else { return (Delta::default(), Vec::new()) };
        let usage = &thought.usage;
        let said = if self.is_react && thought.text.trim().is_empty() { NO_WORDS } else { thought.text.as_str() };
        row.thought = Some(said.to_owned());
        row.answer = Some(thought.text.clone());
        row.message = Some(cut(thought.prompt.to_string()));
        row.tool = Some(self.keys.join(";"));
        row.tool_labels = Json::Object(labels);
        row.tool_input = Some(text_of(&self.inputs));
        row.message_token = count(usage.prompt_tokens);
        row.message_unit_price = usage.prompt_unit_price.to_string();
        row.message_price_unit = usage.prompt_price_unit.to_string();
        row.answer_token = count(usage.completion_tokens);
        row.answer_unit_price = usage.completion_unit_price.to_string();
        row.answer_price_unit = usage.completion_price_unit.to_string();
        row.tokens = count(usage.total_tokens);
        row.total_price = usage.total_price.to_string();
        row.currency.clone_from(&usage.currency);
        row.latency = usage.latency;
        // Compat: the column is empty elsewhere.
        row.tool_process_data = about(thought).map(|about| about.to_string());
        // Compat: the round of the answer is not told a second time.
        self.changed(!thought.is_answer)
    }

    /// The final answer, of strategies that tell it apart from thoughts.
    pub fn answered(&mut self, answer: &str) -> Thoughts {
        if let Some(row) = &mut self.row {
            row.thought = Some(answer.to_owned());
            row.answer = Some(answer.to_owned());
        }
        self.changed(false).0.thoughts
    }

    fn called(&mut self, outcome: CallOutcome) -> (Delta, Vec<StreamBody>) {
        let CallOutcome { call, observation, error, files, seconds, approval, .. } = outcome;
        let key = self.keys.get(self.done).cloned().unwrap_or_else(|| call.name.clone());
        self.done += 1;
        self.observations.insert(key.clone(), observation.into());
        let mut meta = json!({"time_cost": seconds, "error": error, "tool_parameters": call.arguments,
            "tool_config": {"tool_provider": call.provider, "tool_provider_type": null}});
        if let (Some(approval), Json::Object(fields)) = (approval, &mut meta) {
            fields.insert("approval".to_owned(), approval.to_json());
        }
        self.metas.insert(key, meta);
        let at = now();
        let mut change = Delta::default();
        let mut show = Vec::with_capacity(files.len());
        for file in files {
            let row = self.file_row(&file, at);
            self.files.push(row.id.to_string());
            show.push(StreamBody::MessageFile(Arc::new(ShownFile {
                id: row.id,
                kind: file.kind.as_str(),
                belongs_to: "assistant",
                url: file.url.or(file.remote_url).unwrap_or_default().into(),
            })));
            change.message_files.push(row);
        }
        (change, show)
    }

    fn file_row(&self, file: &File, at: DateTime<Utc>) -> MessageFile {
        MessageFile {
            id: ox_types::new_uuid(),
            message_id: self.message,
            kind: file.kind.as_str().to_owned(),
            transfer_method: file.transfer_method.as_str().to_owned(),
            belongs_to: Some("assistant".to_owned()),
            url: file.remote_url.clone(),
            upload_file_id: file.related_id.as_deref().and_then(|id| id.parse().ok()).map(FileId),
            created_by_role: self.created_by_role.clone(),
            created_by: self.created_by,
            created_at: at,
        }
    }

    fn end(&mut self) -> (Delta, Vec<StreamBody>) {
        if self.keys.is_empty() {
            return (Delta::default(), Vec::new());
        }
        if let Some(row) = &mut self.row {
            row.observation = Some(text_of(&self.observations));
            row.tool_meta = Json::Object(self.metas.clone());
            row.message_files = json!(self.files);
        }
        self.changed(true)
    }

    fn changed(&self, is_shown: bool) -> (Delta, Vec<StreamBody>) {
        let Some(row) = &self.row else { return (Delta::default(), Vec::new()) };
        let thoughts = Thoughts::from_iter([(row.id, row.clone())]);
        let show = if is_shown { vec![StreamBody::Thought(Arc::new(row.clone()))] } else { Vec::new() };
        (Delta { thoughts, ..Delta::default() }, show)
    }

    fn free_key(&self, name: &str) -> String {
        let taken = |key: &str| self.keys.iter().any(|known| known == key);
        let mut key = name.to_owned();
        let mut number = 2;
        while taken(&key) {
            key = format!("{name}_{number}");
            number += 1;
        }
        key
    }
}

/// Who answered, where that is not the model of the app, and what was cut for its window.
fn about(thought: &Thought) -> Option<Json> {
    let told = [
        ("answered_by", thought.usage.served_json()),
        ("context_window", thought.window.as_ref().map(ox_models::WindowFit::to_json)),
    ];
    let about: Map<String, Json> =
        told.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect();
    (!about.is_empty()).then_some(Json::Object(about))
}

fn label(call: &AskedCall) -> Json {
    json!({"en_US": call.label, "zh_Hans": call.label})
}

/// JSON text; nothing where there is nothing to tell.
fn text_of(map: &Map<String, Json>) -> String {
    if map.is_empty() { String::new() } else { serde_json::to_string(map).unwrap_or_default() }
}

/// Prompts grow with each round: what is kept of them does not.
fn cut(mut text: String) -> String {
    if text.len() > MAX_PROMPT {
        text.truncate(text.floor_char_boundary(MAX_PROMPT));
        text.push('…');
    }
    text
}

fn count(tokens: u64) -> i32 {
    i32::try_from(tokens).unwrap_or(i32::MAX)
}
