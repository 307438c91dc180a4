//! Stream events in their wire form (service API reference §7 and §11.5).
//!
//! The keys of a frame come in the documented order; values that were written for the record
//! already are copied as text.

use std::{borrow::Cow, fmt::Write as _};

use ox_app::{
    runs::{AppMode, InvokeFrom, NodeDone, NodeView, RunDone, RunPause, StreamBody, StreamEvent, StreamHead},
    workflows::truncation,
};
use serde::Serialize;

/// No text of fewer bytes holds a value that is cut: the shortest long list has a thousand elements.
const SHORT: usize = 2_000;

/// Which caller a stream is for: they see different amounts of detail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// Service API and console: everything.
    Full,
    /// Published web app: no values of nodes, reduced metadata.
    Reduced,
}

impl Detail {
    /// What the caller of this stream may see.
    #[must_use]
    pub const fn of(invoke_from: InvokeFrom) -> Self {
        match invoke_from {
            InvokeFrom::WebApp => Self::Reduced,
            _ => Self::Full,
        }
    }
}

/// One event as JSON; `None` for events that have no wire form in this kind of stream.
#[must_use]
pub fn json(head: &StreamHead, event: &StreamEvent, detail: Detail) -> Option<String> {
    let frame = Frame { head, at: event.at, detail };
    Some(match &event.body {
        StreamBody::WorkflowStarted { inputs, resumed } => frame.workflow_started(inputs, *resumed),
        StreamBody::NodeStarted(node) => frame.node_started(node),
        StreamBody::NodeFinished(node, done) => frame.node_finished(node, done, None),
        StreamBody::NodeRetry { node, done, retry_index } => frame.node_finished(node, done, Some(*retry_index)),
        StreamBody::ContainerStarted { node, inputs, length } => frame.container_started(node, inputs, *length),
        StreamBody::ContainerNext { node, index } => frame.container_next(node, *index),
        StreamBody::ContainerFinished { node, done, steps } => frame.container_finished(node, done, *steps),
        StreamBody::Text { text, selector } => frame.text(text, selector.as_deref()),
        StreamBody::Thinking(text) => frame.text(text, None),
        StreamBody::Thought(thought) => frame.thought(thought),
        StreamBody::MessageFile(file) => frame.event("message_file", |out| {
            out.display("id", Some(file.id)).text("type", file.kind);
            out.text("belongs_to", file.belongs_to).text("url", &file.url);
        }),
        StreamBody::TextReplace { text, reason } => frame.text_replace(text, reason),
        StreamBody::Reasoning { node_id, text, is_final } => frame.reasoning(node_id, text, *is_final),
        StreamBody::Note { node, kind, data } => return frame.note(node, kind, data),
        StreamBody::MessageEnd { metadata, files, .. } => {
            let metadata = metadata_json(metadata, detail);
            let files = if head.mode.is_graph() { files } else { "null" };
            frame.event("message_end", |out| {
                out.display("id", head.message_id).raw("metadata", &metadata).raw("files", files);
            })
        }
        StreamBody::WorkflowFinished(done) => frame.workflow_finished(done),
        StreamBody::HumanInputRequired(form) => frame.data_of("human_input_required", form),
        StreamBody::WorkflowPaused(pause) => frame.paused(pause),
        StreamBody::ToolApproval { event, data } => frame.data_of(event, data),
        StreamBody::Spoken { audio, is_end } => {
            let name = if *is_end { "tts_message_end" } else { "tts_message" };
            frame.event(name, |out| {
                out.text("audio", audio);
            })
        }
        StreamBody::Error { code, status, message } => frame.error(code, *status, message),
    })
}

/// `message_end.metadata`; web apps see neither usage nor the inner ids of sources.
#[must_use]
pub fn metadata_json(metadata: &ox_app::runs::MessageMetadata, detail: Detail) -> String {
    match detail {
        Detail::Full => text_of(metadata),
        Detail::Reduced => {
            const KEPT: [&str; 6] = ["segment_id", "position", "document_name", "score", "content", "summary"];
            let resources: Vec<serde_json::Value> = metadata
                .retriever_resources
                .iter()
                .map(|item| {
                    KEPT.iter().map(|key| ((*key).to_owned(), item.get(key).cloned().unwrap_or_default())).collect()
                })
                .collect();
            serde_json::json!({ "retriever_resources": resources }).to_string()
        }
    }
}

/// `workflow_finished.data` without what only streams carry: the body of a blocking answer.
#[must_use]
pub fn blocking_workflow(head: &StreamHead, done: &RunDone) -> String {
    let mut out = Object::new();
    out.display("task_id", Some(head.task_id)).display("workflow_run_id", head.run_id);
    let mut data = Object::new();
    data.display("id", head.run_id)
        .display("workflow_id", head.workflow_id)
        .text("status", done.status.as_str())
        .raw("outputs", &done.outputs)
        .optional("error", done.error.as_deref())
        .float("elapsed_time", done.elapsed_seconds)
        .int("total_tokens", done.total_tokens)
        .int("total_steps", u64::from(done.total_steps))
        .time("created_at", head.created_at)
        .time("finished_at", done.finished_at);
    out.raw("data", &data.finish());
    out.finish()
}

/// `workflow_paused.data`.
fn pause_data(head: &StreamHead, pause: &RunPause) -> String {
    let nodes: Vec<&serde_json::Value> = pause.reasons.iter().filter_map(|reason| reason.get("node_id")).collect();
    let mut data = Object::new();
    data.display("workflow_run_id", head.run_id)
        .raw("paused_nodes", &text_of(&nodes))
        // Compat: empty on every surface until the run has ended.
        .raw("outputs", "{}")
        .raw("reasons", &text_of(&pause.reasons))
        .text("status", "paused")
        .time("created_at", head.created_at)
        .float("elapsed_time", pause.elapsed_seconds)
        .int("total_tokens", pause.total_tokens)
        .int("total_steps", u64::from(pause.total_steps));
    data.finish()
}

/// What a blocking call is told of a run that waits.
#[must_use]
pub fn blocking_paused(head: &StreamHead, pause: &RunPause) -> String {
    let mut out = Object::new();
    if head.mode == AppMode::Workflow {
        out.display("task_id", Some(head.task_id)).display("workflow_run_id", head.run_id);
        let mut data = Object::new();
        data.display("id", head.run_id)
            .display("workflow_id", head.workflow_id)
            .text("status", "paused")
            .raw("outputs", "{}")
            .raw("error", "null")
            .float("elapsed_time", pause.elapsed_seconds)
            .int("total_tokens", pause.total_tokens)
            .int("total_steps", u64::from(pause.total_steps))
            .time("created_at", head.created_at)
            .raw("finished_at", "null")
            .raw("reasons", &text_of(&pause.reasons));
        out.raw("data", &data.finish());
        return out.finish();
    }
    out.text("event", "workflow_paused")
        .display("task_id", Some(head.task_id))
        .display("id", head.message_id)
        .display("message_id", head.message_id)
        .display("conversation_id", head.conversation_id)
        .display("workflow_run_id", head.run_id)
        .text("mode", head.mode.as_str())
        .text("answer", &pause.answer)
        .raw("metadata", "{}")
        .raw("data", &pause_data(head, pause))
        .time("created_at", head.created_at);
    out.finish()
}

struct Frame<'a> {
    head: &'a StreamHead,
    at: i64,
    detail: Detail,
}

impl Frame<'_> {
    /// Values as this stream shows them, and whether that is less than all: the Service API is told everything, people
    /// at a screen get what a screen can show (engine reference §1.6).
    fn cut<'t>(&self, text: &'t str) -> (Cow<'t, str>, &'static str) {
        let is_screen =
            matches!(self.head.invoke_from, InvokeFrom::Debugger | InvokeFrom::Explore | InvokeFrom::WebApp);
        if !is_screen || text.len() < SHORT {
            return (Cow::Borrowed(text), "false");
        }
        let values: Option<serde_json::Value> = serde_json::from_str(text).ok();
        match values.as_ref().and_then(truncation::truncated) {
            Some(cut) => (Cow::Owned(cut.to_string()), "true"),
            None => (Cow::Borrowed(text), "false"),
        }
    }

    /// The envelope of §7.2 with the event's own keys.
    fn event(&self, name: &str, fill: impl FnOnce(&mut Object)) -> String {
        let mut out = self.envelope(name);
        out.display("task_id", Some(self.head.task_id));
        fill(&mut out);
        out.finish()
    }

    fn envelope(&self, name: &str) -> Object {
        let head = self.head;
        let mut out = Object::new();
        out.text("event", name);
        match head.mode {
            AppMode::Workflow => {
                out.display("workflow_run_id", head.run_id);
            }
            AppMode::Completion => {
                out.display("message_id", head.message_id).time("created_at", head.created_at);
            }
            AppMode::Chat | AppMode::AgentChat | AppMode::AdvancedChat => {
                out.display("conversation_id", head.conversation_id)
                    .display("message_id", head.message_id)
                    .time("created_at", head.created_at);
            }
        }
        out
    }

    /// An event of a graph run: `workflow_run_id` and a `data` object.
    fn data(&self, name: &str, fill: impl FnOnce(&mut Object)) -> String {
        self.event(name, |out| {
            if self.head.mode != AppMode::Workflow {
                out.display("workflow_run_id", self.head.run_id);
            }
            let mut data = Object::new();
            fill(&mut data);
            out.raw("data", &data.finish());
        })
    }

    fn workflow_started(&self, inputs: &str, resumed: bool) -> String {
        self.data("workflow_started", |data| {
            data.display("id", self.head.run_id)
                .display("workflow_id", self.head.workflow_id)
                .raw("inputs", inputs)
                .time("created_at", self.head.created_at)
                .text("reason", if resumed { "resumption" } else { "initial" });
        })
    }

    fn node_started(&self, node: &NodeView) -> String {
        self.data("node_started", |data| {
            node_head(data, node);
            data.raw("inputs", "null");
            if self.detail == Detail::Full {
                data.raw("inputs_truncated", "false");
            }
            data.time("created_at", node.created_at).raw("extras", "{}");
            node_tail(data, node);
            if self.detail == Detail::Full {
                data.raw("agent_strategy", &agent_strategy(node));
            }
        })
    }

    fn node_finished(&self, node: &NodeView, done: &NodeDone, retry_index: Option<u32>) -> String {
        let name = if retry_index.is_some() { "node_retry" } else { "node_finished" };
        // Compat: the web app sees the values of failed attempts, but not those of finished nodes.
        let hidden = self.detail == Detail::Reduced && retry_index.is_none();
        let value = |text: &str| if hidden { "null".to_owned() } else { text.to_owned() };
        let shown = |text| if hidden { (Cow::Borrowed("null"), "false") } else { self.cut(text) };
        self.data(name, |data| {
            node_head(data, node);
            for (key, flag, text) in [
                ("inputs", "inputs_truncated", &done.inputs),
                ("process_data", "process_data_truncated", &done.process_data),
                ("outputs", "outputs_truncated", &done.outputs),
            ] {
                let (text, is_cut) = shown(text);
                data.raw(key, &text);
                if !hidden {
                    data.raw(flag, is_cut);
                }
            }
            data.text("status", done.status)
                .optional("error", if hidden { None } else { done.error.as_deref() })
                .float("elapsed_time", done.elapsed_seconds)
                .raw("execution_metadata", &value(&done.metadata))
                .time("created_at", node.created_at)
                .time("finished_at", done.finished_at)
                .raw("files", if hidden { "[]" } else { &done.files });
            node_tail(data, node);
            if let Some(index) = retry_index {
                data.int("retry_index", u64::from(index));
            }
        })
    }

    fn container_started(&self, node: &NodeView, inputs: &str, length: Option<u32>) -> String {
        let (prefix, length_key) = container_words(node);
        let (inputs, is_cut) = self.cut(inputs);
        let metadata = length.map_or_else(|| "{}".to_owned(), |length| format!("{{\"{length_key}\":{length}}}"));
        self.data(&format!("{prefix}_started"), |data| {
            container_head(data, node);
            data.time("created_at", node.created_at)
                .raw("extras", "{}")
                .raw("metadata", &metadata)
                .raw("inputs", &inputs)
                .raw("inputs_truncated", is_cut);
        })
    }

    fn container_next(&self, node: &NodeView, index: u32) -> String {
        let (prefix, _) = container_words(node);
        self.data(&format!("{prefix}_next"), |data| {
            container_head(data, node);
            data.int("index", u64::from(index)).time("created_at", self.at).raw("extras", "{}");
            if prefix == "loop" {
                data.raw("pre_loop_output", "{}");
            }
        })
    }

    fn container_finished(&self, node: &NodeView, done: &NodeDone, steps: u32) -> String {
        let (prefix, _) = container_words(node);
        self.data(&format!("{prefix}_completed"), |data| {
            container_head(data, node);
            let ((inputs, inputs_cut), (outputs, outputs_cut)) = (self.cut(&done.inputs), self.cut(&done.outputs));
            data.raw("outputs", &outputs)
                .raw("outputs_truncated", outputs_cut)
                .time("created_at", node.created_at)
                .raw("extras", "{}")
                .raw("inputs", &inputs)
                .raw("inputs_truncated", inputs_cut)
                .text("status", done.status)
                // Compat: the reason of a failed container is told by `workflow_finished`.
                .raw("error", "null")
                .float("elapsed_time", done.elapsed_seconds)
                .int("total_tokens", done.total_tokens)
                .raw("execution_metadata", &done.metadata)
                .time("finished_at", done.finished_at)
                .int("steps", u64::from(steps));
        })
    }

    fn text(&self, text: &str, selector: Option<&[String]>) -> String {
        let selector = selector.map_or_else(|| "null".to_owned(), text_of);
        match self.head.mode {
            AppMode::Workflow => self.event("text_chunk", |out| {
                let mut data = Object::new();
                data.text("text", text).raw("from_variable_selector", &selector);
                out.raw("data", &data.finish());
            }),
            AppMode::AgentChat => self.event("agent_message", |out| {
                out.display("id", self.head.message_id).text("answer", text);
            }),
            _ => self.event("message", |out| {
                out.display("id", self.head.message_id).text("answer", text).raw("from_variable_selector", &selector);
            }),
        }
    }

    fn thought(&self, thought: &ox_app::model::AgentThought) -> String {
        self.event("agent_thought", |out| {
            out.display("id", Some(thought.id))
                .raw("position", &thought.position.to_string())
                .optional("thought", thought.thought.as_deref())
                .optional("observation", thought.observation.as_deref())
                .optional("tool", thought.tool.as_deref())
                .raw("tool_labels", &thought.tool_labels.to_string())
                .optional("tool_input", thought.tool_input.as_deref())
                .raw("message_files", &thought.message_files.to_string());
        })
    }

    fn text_replace(&self, text: &str, reason: &str) -> String {
        match self.head.mode {
            AppMode::Workflow => self.event("text_replace", |out| {
                let mut data = Object::new();
                data.text("text", text);
                out.raw("data", &data.finish());
            }),
            _ => self.event("message_replace", |out| {
                out.text("answer", text).text("reason", reason);
            }),
        }
    }

    fn reasoning(&self, node_id: &str, text: &str, is_final: bool) -> String {
        self.event("reasoning_chunk", |out| {
            let mut data = Object::new();
            if self.head.mode != AppMode::Workflow {
                data.display("message_id", self.head.message_id);
            }
            data.text("reasoning", text)
                .text("node_id", node_id)
                .raw("is_final", if is_final { "true" } else { "false" });
            out.raw("data", &data.finish());
        })
    }

    fn note(&self, node: &NodeView, kind: &str, data: &serde_json::Value) -> Option<String> {
        // Other notes (sources of a retrieval) end up in the message's metadata.
        if kind.starts_with("human_input_form_") {
            return Some(self.data_of(kind, data));
        }
        if kind != "agent_log" {
            return None;
        }
        Some(self.event("agent_log", |out| {
            let mut body = data.clone();
            if let serde_json::Value::Object(fields) = &mut body {
                fields.entry("node_execution_id").or_insert_with(|| node.id.to_string().into());
                fields.entry("node_id").or_insert_with(|| node.node.id.clone().into());
            }
            out.raw("data", &body.to_string());
        }))
    }

    fn workflow_finished(&self, done: &RunDone) -> String {
        self.data("workflow_finished", |data| {
            data.display("id", self.head.run_id)
                .display("workflow_id", self.head.workflow_id)
                .text("status", done.status.as_str())
                .raw("outputs", &done.outputs)
                .optional("error", done.error.as_deref())
                .float("elapsed_time", done.elapsed_seconds)
                .int("total_tokens", done.total_tokens)
                .int("total_steps", u64::from(done.total_steps))
                .raw("created_by", &self.head.user.created_by().to_string())
                .time("created_at", self.head.created_at)
                .time("finished_at", done.finished_at)
                .int("exceptions_count", u64::from(done.exceptions_count))
                .raw("files", &done.files);
        })
    }

    /// An event of a graph run whose data are ready.
    fn data_of(&self, name: &str, data: &serde_json::Value) -> String {
        self.event(name, |out| {
            if self.head.mode != AppMode::Workflow {
                out.display("workflow_run_id", self.head.run_id);
            }
            out.raw("data", &data.to_string());
        })
    }

    fn paused(&self, pause: &RunPause) -> String {
        self.event("workflow_paused", |out| {
            if self.head.mode != AppMode::Workflow {
                out.display("workflow_run_id", self.head.run_id);
            }
            out.raw("data", &pause_data(self.head, pause));
        })
    }

    /// The last event of a failed stream; the only one without a `task_id`.
    fn error(&self, code: &str, status: u16, message: &str) -> String {
        let mut out = self.envelope("error");
        out.text("code", code).int("status", u64::from(status)).text("message", message);
        out.finish()
    }
}

fn node_head(data: &mut Object, node: &NodeView) {
    data.display("id", Some(node.id))
        .text("node_id", &node.node.id)
        .text("node_type", &node.node.kind)
        .text("title", &node.node.title)
        // Compat: the order of starts is in the record; on the wire it is always 1.
        .raw("index", "1")
        .raw("predecessor_node_id", "null");
}

fn node_tail(data: &mut Object, node: &NodeView) {
    data.optional("iteration_id", node.iteration_id.as_deref()).optional("loop_id", node.loop_id.as_deref());
}

/// Which strategy an agent node follows; `null` for others.
fn agent_strategy(node: &NodeView) -> String {
    let name = node.node.data.get("agent_strategy_name").filter(|_| node.node.kind == "agent");
    name.map_or_else(|| "null".to_owned(), |name| serde_json::json!({"name": name, "icon": null}).to_string())
}

/// Compat: the id of a container's events is its node id.
fn container_head(data: &mut Object, node: &NodeView) {
    data.text("id", &node.node.id)
        .text("node_id", &node.node.id)
        .text("node_type", &node.node.kind)
        .text("title", &node.node.title);
}

fn container_words(node: &NodeView) -> (&'static str, &'static str) {
    if node.node.kind == "loop" { ("loop", "loop_length") } else { ("iteration", "iteration_length") }
}

fn text_of<T: Serialize + ?Sized>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_else(|_| "null".to_owned())
}

/// Writes one JSON object, key by key.
struct Object {
    text: String,
}

impl Object {
    fn new() -> Self {
        let mut text = String::with_capacity(512);
        text.push('{');
        Self { text }
    }

    fn key(&mut self, key: &str) {
        if self.text.len() > 1 {
            self.text.push(',');
        }
        self.text.push('"');
        self.text.push_str(key);
        self.text.push_str("\":");
    }

    fn raw(&mut self, key: &str, json: &str) -> &mut Self {
        self.key(key);
        self.text.push_str(json);
        self
    }

    fn text(&mut self, key: &str, value: &str) -> &mut Self {
        let json = text_of(value);
        self.raw(key, &json)
    }

    fn optional(&mut self, key: &str, value: Option<&str>) -> &mut Self {
        match value {
            Some(value) => self.text(key, value),
            None => self.raw(key, "null"),
        }
    }

    /// A value whose text needs no escaping (ids).
    fn display(&mut self, key: &str, value: Option<impl std::fmt::Display>) -> &mut Self {
        self.key(key);
        let _ = match value {
            Some(value) => write!(self.text, "\"{value}\""),
            None => write!(self.text, "null"),
        };
        self
    }

    fn int(&mut self, key: &str, value: u64) -> &mut Self {
        self.key(key);
        let _ = write!(self.text, "{value}");
        self
    }

    fn time(&mut self, key: &str, seconds: i64) -> &mut Self {
        self.key(key);
        let _ = write!(self.text, "{seconds}");
        self
    }

    fn float(&mut self, key: &str, value: f64) -> &mut Self {
        let json = text_of(&value);
        self.raw(key, &json)
    }

    fn finish(&mut self) -> String {
        let mut text = std::mem::take(&mut self.text);
        text.push('}');
        text
    }
}

#[cfg(test)]
mod tests;
