//! What an agent does, as a tree: a round, and in it the model's thought and the calls of tools.

use std::{collections::VecDeque, time::Instant};

use ox_models::{ModelRef, Usage};
use ox_nodes::CallLog;
use ox_types::Json;
use serde_json::{Map, json};

use crate::{AgentEvent, AskedCall, CallOutcome, Thought, toolbox};

/// What a tool told is logged up to this many characters.
const MAX_LOGGED: usize = 16 * 1024;

/// The tree as it grows.
pub struct Log {
    model: String,
    provider: String,
    round: Option<Open>,
    /// The model's thought.
    inner: Option<Open>,
    /// Calls that were begun, in their order; several are made at a time.
    calls: VecDeque<Open>,
    said: String,
    answers: Vec<Json>,
    usage: Usage,
}

/// An entry that is not finished.
struct Open {
    id: String,
    label: String,
    parent: Option<String>,
    started: Instant,
    started_at: f64,
    provider: Option<String>,
}

impl Open {
    fn new(label: String, parent: Option<String>, provider: Option<String>) -> Self {
        let id = ox_types::new_uuid().to_string();
        Self { id, label, parent, started: Instant::now(), started_at: now(), provider }
    }

    fn begun(&self) -> CallLog {
        self.entry("start", json!({}), self.metadata(), None)
    }

    fn entry(&self, status: &str, data: Json, metadata: Map<String, Json>, error: Option<String>) -> CallLog {
        CallLog {
            id: self.id.clone(),
            label: self.label.clone(),
            parent_id: self.parent.clone(),
            error,
            status: status.to_owned(),
            data,
            metadata: Json::Object(metadata),
        }
    }

    fn metadata(&self) -> Map<String, Json> {
        let mut metadata = Map::from_iter([("started_at".to_owned(), Json::from(self.started_at))]);
        if let Some(provider) = &self.provider {
            metadata.insert("provider".to_owned(), provider.as_str().into());
        }
        metadata
    }

    fn done(&self, usage: Option<&Usage>) -> Map<String, Json> {
        let mut metadata = self.metadata();
        metadata.insert("finished_at".to_owned(), now().into());
        metadata.insert("elapsed_time".to_owned(), self.started.elapsed().as_secs_f64().into());
        if let Some(usage) = usage {
            metadata.insert("total_price".to_owned(), usage.total_price.to_string().into());
            metadata.insert("currency".to_owned(), usage.currency.as_str().into());
            metadata.insert("total_tokens".to_owned(), usage.total_tokens.into());
            metadata.insert("prompt_tokens".to_owned(), usage.prompt_tokens.into());
            metadata.insert("completion_tokens".to_owned(), usage.completion_tokens.into());
        }
        metadata
    }
}

/// Unix seconds.
fn now() -> f64 {
    let at = chrono::Utc::now();
    #[expect(clippy::cast_precision_loss, reason = "milliseconds since 1970 fit exactly")]
    let seconds = at.timestamp_millis() as f64 / 1000.0;
    seconds
}

impl Log {
    /// Nothing has happened.
    pub fn new(model: &ModelRef) -> Self {
        Self {
            model: model.name.clone(),
            provider: model.provider.clone(),
            round: None,
            inner: None,
            calls: VecDeque::new(),
            said: String::new(),
            answers: Vec::new(),
            usage: Usage::default(),
        }
    }

    /// What an event adds.
    pub fn entries(&mut self, event: &AgentEvent) -> Vec<CallLog> {
        match event {
            AgentEvent::RoundStarted { round } => self.begin(*round),
            AgentEvent::Thought(thought) => self.thought(thought),
            AgentEvent::CallStarted(call) => {
                let open = self.inside(format!("CALL {}", call.name), call.provider.clone());
                let begun = open.begun();
                self.calls.push_back(open);
                vec![begun]
            }
            AgentEvent::CallFinished(outcome) => self.called(outcome),
            AgentEvent::RoundFinished { .. } => self.end(),
            _ => Vec::new(),
        }
    }

    fn begin(&mut self, round: u32) -> Vec<CallLog> {
        let open = Open::new(format!("ROUND {round}"), None, None);
        let begun = open.begun();
        self.round = Some(open);
        self.said.clear();
        self.answers.clear();
        self.usage = Usage::default();
        let thought = self.inside(format!("{} Thought", self.model), self.provider.clone());
        let entries = vec![begun, thought.begun()];
        self.inner = Some(thought);
        entries
    }

    fn inside(&self, label: String, provider: String) -> Open {
        let parent = self.round.as_ref().map(|round| round.id.clone());
        Open::new(label, parent, Some(provider).filter(|provider| !provider.is_empty()))
    }

    fn thought(&mut self, thought: &Thought) -> Vec<CallLog> {
        self.said.clone_from(&thought.text);
        self.usage += &thought.usage;
        let Some(open) = self.inner.take() else { return Vec::new() };
        let names: Vec<&str> = thought.calls.iter().map(|call| call.name.as_str()).collect();
        let inputs: Vec<Json> = thought.calls.iter().map(input).collect();
        let data = json!({"output": thought.text, "tool_name": names.join(";"), "tool_input": inputs});
        let mut metadata = open.done(Some(&thought.usage));
        metadata.extend(thought.usage.served_json().map(|served| ("answered_by".to_owned(), served)));
        metadata.extend(thought.window.as_ref().map(|window| ("context_window".to_owned(), window.to_json())));
        vec![open.entry("success", data, metadata, None)]
    }

    fn called(&mut self, outcome: &CallOutcome) -> Vec<CallLog> {
        if let Some(usage) = &outcome.usage {
            self.usage += usage;
        }
        let call = &outcome.call;
        let response = toolbox::cut(&outcome.observation, outcome.observation.chars().count(), MAX_LOGGED);
        let mut told = json!({"tool_call_id": call.id, "tool_call_name": call.name, "tool_call_input": call.arguments,
            "tool_response": response});
        if let (Some(approval), Json::Object(fields)) = (&outcome.approval, &mut told) {
            fields.insert("approval".to_owned(), approval.to_json());
        }
        self.answers.push(told.clone());
        let Some(open) = self.calls.pop_front() else { return Vec::new() };
        let status = if outcome.error.is_some() { "error" } else { "success" };
        let mut metadata = open.done(outcome.usage.as_ref());
        // A call that ended before an earlier one is told later than it ended.
        let waited = outcome.approval.as_ref().map_or(0.0, |approval| approval.waited);
        metadata.insert("elapsed_time".to_owned(), (waited + outcome.seconds).into());
        vec![open.entry(status, json!({"output": told}), metadata, outcome.error.clone())]
    }

    fn end(&mut self) -> Vec<CallLog> {
        let Some(open) = self.round.take() else { return Vec::new() };
        let answers = std::mem::take(&mut self.answers);
        let data = json!({"output": {"llm_response": self.said, "tool_responses": answers}});
        vec![open.entry("success", data, open.done(Some(&self.usage)), None)]
    }

    /// The work broke off: what is open has failed.
    pub fn broken(&mut self, error: &str) -> Vec<CallLog> {
        let calls = std::mem::take(&mut self.calls);
        let open = self.inner.take().into_iter().chain(calls).chain(self.round.take());
        let failed = |open: Open| open.entry("error", json!({}), open.done(None), Some(error.to_owned()));
        open.map(failed).collect()
    }
}

fn input(call: &AskedCall) -> Json {
    json!({"name": call.name, "args": call.arguments})
}
