//! What the events of a run are to somebody at a terminal, or to a script.

use std::io::{self, Write};

use ox_types::{Json, json_pretty};
use serde_json::json;

use crate::commands::{complain, say};

/// How a run is shown.
#[derive(Clone, Copy, Debug, Default)]
pub struct Style {
    /// The result as one JSON object.
    pub json: bool,
    /// Every event as a line of JSON.
    pub events: bool,
    pub trace: bool,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    Succeeded,
    Failed(String),
    Partly,
    /// Somebody is asked.
    Waits,
    Stopped,
}

impl End {
    pub const fn code(&self) -> u8 {
        match self {
            Self::Succeeded => 0,
            Self::Failed(_) => 1,
            Self::Partly => 3,
            Self::Waits => 4,
            Self::Stopped => 130,
        }
    }

    const fn as_str(&self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Failed(_) => "failed",
            Self::Partly => "partial-succeeded",
            Self::Waits => "paused",
            Self::Stopped => "stopped",
        }
    }
}

/// Shows the events of one run.
#[derive(Default)]
pub struct Shown {
    style: Style,
    /// Text so far.
    text: String,
    outputs: Option<Json>,
    metadata: Option<Json>,
    /// How the workflow below a chat ended; the message may still follow.
    status: Option<End>,
    ids: Json,
}

fn text<'a>(event: &'a Json, pointer: &str) -> &'a str {
    event.pointer(pointer).and_then(Json::as_str).unwrap_or_default()
}

impl Shown {
    pub fn new(style: Style) -> Self {
        Self { style, ids: json!({}), ..Self::default() }
    }

    /// Shows an event; answers how the run ended when this was its end.
    pub fn event(&mut self, event: &Json) -> Option<End> {
        if self.style.events {
            say(&event.to_string());
        }
        for name in ["conversation_id", "message_id", "workflow_run_id", "task_id"] {
            if let Some(id) = event.get(name).filter(|id| id.is_string()) {
                self.ids[name] = id.clone();
            }
        }
        match text(event, "/event") {
            "message" | "agent_message" => self.say(text(event, "/answer")),
            "text_chunk" => self.say(text(event, "/data/text")),
            "message_replace" => self.replace(text(event, "/answer")),
            "text_replace" => self.replace(text(event, "/data/text")),
            "node_started" if self.style.trace => complain(&format!("▸ {}", node(event))),
            "node_finished" if self.style.trace => {
                let seconds = event.pointer("/data/elapsed_time").and_then(Json::as_f64).unwrap_or(0.0);
                let error = event.pointer("/data/error").and_then(Json::as_str);
                let error = error.map(|error| format!(": {error}")).unwrap_or_default();
                complain(&format!("  {} {} in {seconds:.3} s{error}", node(event), text(event, "/data/status")));
            }
            "human_input_required" => {
                complain(&format!("waits for somebody: {}", text(event, "/data/node_title")));
            }
            "workflow_paused" => return Some(End::Waits),
            "workflow_finished" => return self.workflow_finished(event),
            "message_end" => {
                self.metadata = event.get("metadata").cloned();
                let end = self.status.take();
                // A chatflow tells its own end after this, unless it was stopped.
                return end.or_else(|| self.ids.get("workflow_run_id").is_none().then_some(End::Succeeded));
            }
            "error" => return Some(End::Failed(text(event, "/message").to_owned())),
            _ => {}
        }
        None
    }

    fn workflow_finished(&mut self, event: &Json) -> Option<End> {
        let end = match text(event, "/data/status") {
            "succeeded" => End::Succeeded,
            "partial-succeeded" => End::Partly,
            "stopped" => End::Stopped,
            _ => End::Failed(text(event, "/data/error").to_owned()),
        };
        let is_chat = event.get("conversation_id").is_some();
        if !is_chat {
            self.outputs = event.pointer("/data/outputs").cloned();
        }
        // The message of a chat comes before its end when it succeeded, else after it.
        let is_last = !is_chat || self.metadata.is_some() || matches!(end, End::Failed(_));
        if is_last {
            return Some(end);
        }
        self.status = Some(end);
        None
    }

    fn say(&mut self, piece: &str) {
        self.text.push_str(piece);
        if self.style.json || piece.is_empty() {
            return;
        }
        let mut out = io::stdout().lock();
        // Who closed the pipe does not want the rest; the run goes on and its exit code counts.
        let _ = out.write_all(piece.as_bytes()).and_then(|()| out.flush());
    }

    /// What was shown cannot be taken back: the whole text follows.
    fn replace(&mut self, whole: &str) {
        let more = whole.strip_prefix(self.text.as_str()).map(str::to_owned);
        if more.is_none() && !self.style.json {
            complain("\nthe answer was replaced:");
        }
        let shown = more.unwrap_or_else(|| whole.to_owned());
        self.say(&shown);
        whole.clone_into(&mut self.text);
    }

    /// The stream ended without an end.
    pub fn cut_off(&mut self) -> End {
        self.status.take().unwrap_or_else(|| End::Failed("the stream ended before the run did; it goes on".to_owned()))
    }

    /// Shows the result.
    pub fn finish(&self, end: &End) {
        if self.style.json {
            if !self.style.events {
                say(&json_pretty(&self.result(end)));
            }
            return;
        }
        if !self.text.is_empty() && !self.text.ends_with('\n') {
            say("");
        }
        if let End::Failed(why) = end {
            complain(&format!("failed: {why}"));
        }
        // A workflow that said nothing has outputs only.
        if let Some(outputs) = self.outputs.as_ref().filter(|_| self.text.is_empty() && !matches!(end, End::Failed(_)))
        {
            say(&json_pretty(outputs));
        }
    }

    fn result(&self, end: &End) -> Json {
        let error = match end {
            End::Failed(why) => Some(why),
            _ => None,
        };
        let mut result = json!({"status": end.as_str(), "error": error});
        if let Some(outputs) = &self.outputs {
            result["outputs"] = outputs.clone();
        } else {
            result["answer"] = self.text.as_str().into();
        }
        if let Some(usage) = self.metadata.as_ref().and_then(|metadata| metadata.get("usage")) {
            result["usage"] = usage.clone();
        }
        if let (Some(result), Some(ids)) = (result.as_object_mut(), self.ids.as_object()) {
            result.extend(ids.clone());
        }
        result
    }
}

fn node(event: &Json) -> String {
    let title = text(event, "/data/title");
    let title = if title.is_empty() { text(event, "/data/node_id") } else { title };
    format!("{title} ({})", text(event, "/data/node_type"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(events: &[Json]) -> (Option<End>, Shown) {
        let mut shown = Shown::new(Style { json: true, ..Style::default() });
        let end = events.iter().find_map(|event| shown.event(event));
        (end, shown)
    }

    fn finished(status: &str, chat: bool) -> Json {
        let mut event = json!({"event": "workflow_finished", "workflow_run_id": "r",
            "data": {"status": status, "outputs": {"x": 1}, "error": "why"}});
        if chat {
            event["conversation_id"] = "c".into();
        }
        event
    }

    #[test]
    fn every_end_has_its_code() {
        let end =
            || json!({"event": "message_end", "conversation_id": "c", "metadata": {"usage": {"total_tokens": 3}}});
        let say = |text: &str| json!({"event": "message", "conversation_id": "c", "answer": text});
        let flow = |status: &str| finished(status, true);
        for (name, events, code) in [
            ("chat", vec![say("a"), end()], Some(0)),
            (
                "chatflow",
                vec![json!({"event": "workflow_started", "workflow_run_id": "r"}), say("a"), end(), flow("succeeded")],
                Some(0),
            ),
            ("stopped chatflow", vec![say("a"), flow("stopped"), end()], Some(130)),
            ("failed chatflow", vec![flow("failed"), json!({"event": "error", "message": "x"})], Some(1)),
            ("partly", vec![finished("partial-succeeded", false)], Some(3)),
            ("workflow", vec![finished("succeeded", false)], Some(0)),
            ("waits", vec![json!({"event": "workflow_paused"})], Some(4)),
            ("error", vec![say("a"), json!({"event": "error", "message": "x"})], Some(1)),
            ("no end", vec![say("a")], None),
        ] {
            assert_eq!(run(&events).0.map(|end| end.code()), code, "{name}");
        }
    }

    #[test]
    fn the_result_has_the_answer_or_the_outputs() {
        let say = |text: &str| json!({"event": "message", "conversation_id": "c", "answer": text});
        let replaced = json!({"event": "message_replace", "answer": "other"});
        let (_, shown) = run(&[say("a"), say("b"), replaced]);
        let result = shown.result(&End::Succeeded);
        assert_eq!((&result["answer"], &result["conversation_id"]), (&json!("other"), &json!("c")));
        let (end, shown) = run(&[finished("failed", false)]);
        let result = shown.result(&end.unwrap());
        assert_eq!(
            (&result["status"], &result["error"], &result["outputs"]),
            (&json!("failed"), &json!("why"), &json!({"x": 1}))
        );
    }
}
