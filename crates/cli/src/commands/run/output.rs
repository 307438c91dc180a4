//! What a run shows: text while it is made, events as JSON lines, the result.

use std::{
    io::{self, Write},
    sync::{Mutex, PoisonError},
};

use async_trait::async_trait;
use indexmap::IndexMap;
use ox_dsl::document::AppMode;
use ox_engine::{EventSink, NodeInfo, NodeResult, RunEvent, RunEventKind, RunOutcome, SinkClosed};
use ox_types::{Json, RunStatus, Value, json_pretty};
use serde_json::json;

use super::Args;
use crate::commands::{complain, say};

/// How a run is shown.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    is_chat: bool,
    /// Text as it comes.
    live_text: bool,
    /// Every event as a line of JSON.
    events: bool,
    /// The result as one JSON object.
    json: bool,
    trace: bool,
}

impl Style {
    pub fn of(args: &Args, mode: AppMode) -> Self {
        let is_chat = mode == AppMode::AdvancedChat;
        Self {
            is_chat,
            live_text: !args.json && (is_chat || args.stream),
            events: args.json && args.stream,
            json: args.json,
            trace: args.trace,
        }
    }
}

/// Shows the events of one run.
pub struct Output {
    style: Style,
    /// Text shown so far.
    shown: Mutex<String>,
}

impl Output {
    pub const fn new(style: Style) -> Self {
        Self { style, shown: Mutex::new(String::new()) }
    }

    fn text(&self, text: &str) {
        if !self.style.live_text || text.is_empty() {
            return;
        }
        let mut out = io::stdout().lock();
        // Who closed the pipe does not want the rest; the run goes on and its exit code counts.
        let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
        self.shown.lock().unwrap_or_else(PoisonError::into_inner).push_str(text);
    }

    fn trace(&self, event: &RunEventKind) {
        match event {
            RunEventKind::NodeStarted(node) => complain(&format!("▸ {}", label(node))),
            RunEventKind::NodeFinished(node, result) => {
                let error = result.error.as_ref().map(|error| format!(": {error}")).unwrap_or_default();
                let (status, seconds) = (result.status, result.elapsed_seconds);
                complain(&format!("  {} {status} in {seconds:.3} s{error}", label(node)));
            }
            RunEventKind::NodeRetry { node, result, retry_index } => {
                let error = result.error.as_deref().unwrap_or_default();
                complain(&format!("  {} failed, try {retry_index} follows: {error}", label(node)));
            }
            _ => {}
        }
    }

    /// Shows the end of the run.
    pub fn finish(&self, outcome: &RunOutcome) {
        let shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if !shown.is_empty() && !shown.ends_with('\n') {
            say("");
        }
        if self.style.json {
            if !self.style.events {
                say(&json_pretty(&result(outcome)));
            }
            return;
        }
        if let Some(error) = &outcome.error {
            complain(&format!("{}: {error}", outcome.status));
        }
        let succeeded = matches!(outcome.status, RunStatus::Succeeded | RunStatus::PartialSucceeded);
        // A chat has said its answer already.
        if succeeded && !(self.style.is_chat && self.style.live_text) {
            say(&json_pretty(&object(&outcome.outputs)));
        }
    }
}

fn label(node: &NodeInfo) -> String {
    let title = if node.node.title.is_empty() { &node.node.id } else { &node.node.title };
    format!("{title} ({})", node.node.kind)
}

fn object(values: &IndexMap<String, Value>) -> Json {
    Json::Object(values.iter().map(|(name, value)| (name.clone(), value.to_json())).collect())
}

fn result(outcome: &RunOutcome) -> Json {
    json!({
        "status": outcome.status,
        "outputs": object(&outcome.outputs),
        "error": outcome.error,
        "elapsed_time": outcome.elapsed_seconds,
        "total_tokens": outcome.usage.total_tokens,
        "total_price": if outcome.usage.total_price.is_empty() { "0" } else { &outcome.usage.total_price },
        "currency": if outcome.usage.currency.is_empty() { "USD" } else { &outcome.usage.currency },
        "total_steps": outcome.total_steps,
        "exceptions_count": outcome.exceptions_count,
    })
}

fn node(info: &NodeInfo) -> Json {
    json!({
        "id": info.node_run_id,
        "node_id": info.node.id,
        "node_type": info.node.kind,
        "title": info.node.title,
        "index": info.index,
        "iteration_id": info.iteration_id,
        "loop_id": info.loop_id,
    })
}

fn finished(info: &NodeInfo, result: &NodeResult) -> Json {
    let mut data = node(info);
    let more = json!({
        "status": result.status,
        "inputs": object(&result.inputs),
        "process_data": object(&result.process_data),
        "outputs": object(&result.outputs),
        "error": result.error,
        "elapsed_time": result.elapsed_seconds,
        "execution_metadata": result.metadata,
    });
    if let (Some(data), Json::Object(more)) = (data.as_object_mut(), more) {
        data.extend(more);
    }
    data
}

/// The event under the name it has on the wire.
fn wire(event: &RunEvent, is_chat: bool) -> Json {
    let (name, data) = match &event.kind {
        RunEventKind::RunStarted | RunEventKind::RunResumed { .. } => ("workflow_started", json!({})),
        RunEventKind::RunFinished(outcome) => ("workflow_finished", result(outcome)),
        RunEventKind::RunPaused { reasons, outcome } => {
            let reasons: Vec<&Json> = reasons.iter().map(|reason| &reason.data).collect();
            ("workflow_paused", json!({"reasons": reasons, "outputs": object(&outcome.outputs)}))
        }
        RunEventKind::NodeStarted(info) => ("node_started", node(info)),
        RunEventKind::NodeFinished(info, result) => ("node_finished", finished(info, result)),
        RunEventKind::NodeRetry { node: info, result, retry_index } => {
            let mut data = finished(info, result);
            if let Some(data) = data.as_object_mut() {
                data.insert("retry_index".into(), (*retry_index).into());
            }
            ("node_retry", data)
        }
        RunEventKind::Chunk { text, selector, .. } => {
            let name = if is_chat { "message" } else { "text_chunk" };
            (name, json!({"text": text, "from_variable_selector": selector}))
        }
        RunEventKind::Reasoning { node: info, text, is_final } => {
            ("reasoning_chunk", json!({"reasoning": text, "node_id": info.node.id, "is_final": is_final}))
        }
        RunEventKind::Note { node: info, kind, data } => {
            ("note", json!({"kind": kind, "node_id": info.node.id, "data": data}))
        }
        RunEventKind::ContainerStarted { node: info, length, .. } => {
            let mut data = node(info);
            if let Some(data) = data.as_object_mut() {
                data.insert("length".into(), json!(length));
            }
            (container(info, "iteration_started", "loop_started"), data)
        }
        RunEventKind::ContainerNext { node: info, index, .. } => {
            let mut data = node(info);
            if let Some(data) = data.as_object_mut() {
                data.insert("index".into(), json!(index));
            }
            (container(info, "iteration_next", "loop_next"), data)
        }
        RunEventKind::ContainerFinished { node: info, result, .. } => {
            (container(info, "iteration_completed", "loop_completed"), finished(info, result))
        }
    };
    json!({"event": name, "sequence": event.sequence, "at": event.at.timestamp_millis(), "data": data})
}

fn container<'a>(info: &NodeInfo, iteration: &'a str, of_loop: &'a str) -> &'a str {
    if info.node.kind == "loop" { of_loop } else { iteration }
}

#[async_trait]
impl EventSink for Output {
    async fn emit(&self, event: RunEvent) -> Result<(), SinkClosed> {
        if self.style.trace {
            self.trace(&event.kind);
        }
        if self.style.events {
            say(&wire(&event, self.style.is_chat).to_string());
        } else if let RunEventKind::Chunk { text, .. } = &event.kind {
            self.text(text);
        }
        Ok(())
    }

    async fn barrier(&self) -> Result<(), SinkClosed> {
        Ok(())
    }
}
