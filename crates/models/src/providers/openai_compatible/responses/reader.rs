//! Answers of the Responses API, whole or in pieces.

use ox_types::Json;
use serde_json::{Map, json};

use super::{super::reader::tokens, wire::OPAQUE};
use crate::{
    ChatDelta, ModelError, ToolCallDelta,
    answer::{self, Frame, Progress, Tokens},
    fault, sse,
};

/// Items of one answer; no honest one has as many.
const MAX_ITEMS: usize = 1024;
const MAX_CALLS: usize = 128;

/// What an item of the answer is, and what of it was told.
enum Kind {
    Text {
        told: bool,
    },
    /// Our index of the call.
    Call {
        index: usize,
        told: bool,
    },
    /// The list it is told from, and the last part of that.
    Thought {
        told: Option<(&'static str, u64)>,
    },
    Other,
}

struct Item {
    index: u64,
    kind: Kind,
    is_done: bool,
}

/// Reads events and remembers which item is which.
pub struct Reader {
    provider: String,
    /// Who can read the thoughts.
    model: String,
    items: Vec<Item>,
    calls: usize,
    /// The order of thoughts and what came of them.
    kept: Vec<Json>,
    tokens: Option<Tokens>,
    progress: Progress,
}

impl Reader {
    pub fn new(provider: &str, model: &str) -> Self {
        Self {
            provider: provider.to_owned(),
            model: model.to_owned(),
            items: Vec::new(),
            calls: 0,
            kept: Vec::new(),
            tokens: None,
            progress: Progress::Silent,
        }
    }

    /// An item begins; one that is known goes on.
    fn item(&mut self, index: u64, kind: &str, delta: &mut ChatDelta, json: &Json) -> Option<&mut Item> {
        let known = self.items.iter().position(|item| item.index == index);
        if known.is_none() {
            if self.items.len() >= MAX_ITEMS {
                return None;
            }
            let kind = match kind {
                "message" => Kind::Text { told: false },
                "reasoning" => Kind::Thought { told: None },
                "function_call" if self.calls < MAX_CALLS => {
                    delta.tool_calls.push(ToolCallDelta {
                        index: self.calls,
                        id: Some(text(json, "call_id").or(text(json, "id")).unwrap_or_default().to_owned()),
                        name: text(json, "name").map(str::to_owned),
                        arguments: String::new(),
                    });
                    self.calls += 1;
                    Kind::Call { index: self.calls.saturating_sub(1), told: false }
                }
                _ => Kind::Other,
            };
            self.items.push(Item { index, kind, is_done: false });
        }
        match known {
            Some(at) => self.items.get_mut(at),
            None => self.items.last_mut(),
        }
    }

    /// A piece of an item.
    fn go_on(&mut self, event: &str, json: &Json, delta: &mut ChatDelta) {
        let piece = text(json, "delta").unwrap_or_default();
        let index = number(json, "output_index").unwrap_or(0);
        let (kind, list, part) = match event {
            "response.reasoning_summary_text.delta" => ("reasoning", "summary", "summary_index"),
            "response.reasoning_text.delta" => ("reasoning", "content", "content_index"),
            "response.function_call_arguments.delta" => ("function_call", "", ""),
            _ => ("message", "", ""),
        };
        // Arguments without a call have nobody to belong to.
        if kind == "function_call" && self.items.iter().all(|item| item.index != index) {
            return;
        }
        let part = number(json, part).unwrap_or(0);
        let Some(item) = self.item(index, kind, delta, &Json::Null) else { return };
        match &mut item.kind {
            Kind::Text { told } if kind == "message" => {
                *told = true;
                delta.text.push_str(piece);
            }
            Kind::Call { index, told } if kind == "function_call" => {
                *told |= !piece.is_empty();
                delta.tool_calls.push(ToolCallDelta {
                    index: *index,
                    arguments: piece.to_owned(),
                    ..ToolCallDelta::default()
                });
            }
            Kind::Thought { told } if kind == "reasoning" => match told {
                // Where thoughts and a summary of them are told, the first to come is enough.
                Some((first, _)) if *first != list => {}
                Some((_, last)) if *last != part => {
                    *last = part;
                    delta.reasoning.push_str("\n\n");
                    delta.reasoning.push_str(piece);
                }
                _ => {
                    *told = Some((list, part));
                    delta.reasoning.push_str(piece);
                }
            },
            _ => {}
        }
    }

    /// An item is whole: what no piece told is told now.
    fn end(&mut self, index: u64, json: &Json, delta: &mut ChatDelta) {
        let kind = text(json, "type").unwrap_or_default().to_owned();
        let Some(item) = self.item(index, &kind, delta, json) else { return };
        if std::mem::replace(&mut item.is_done, true) {
            return;
        }
        match &mut item.kind {
            Kind::Text { told } if !*told => {
                *told = true;
                delta.text.push_str(&said(json));
            }
            Kind::Call { index, told } if !*told => {
                *told = true;
                let arguments = text(json, "arguments").filter(|text| !text.is_empty()).unwrap_or("{}").to_owned();
                delta.tool_calls.push(ToolCallDelta { index: *index, arguments, ..ToolCallDelta::default() });
            }
            Kind::Thought { told } if told.is_none() => {
                let (list, thought) = thought(json);
                *told = Some((list, 0));
                delta.reasoning.push_str(&thought);
            }
            _ => {}
        }
        self.kept.extend(kept(&kind, json));
    }

    /// The answer is whole, or as far as it came.
    fn finish(&mut self, response: &Json, delta: &mut ChatDelta) {
        let was_told = !self.items.is_empty();
        let output = response.get("output").and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
        for (index, item) in (0_u64..).zip(output.iter().take(MAX_ITEMS)) {
            // A server that numbers its items otherwise must not be told twice.
            if !was_told || self.items.iter().any(|known| known.index == index && !known.is_done) {
                self.end(index, item, delta);
            }
        }
        self.tokens = response.get("usage").and_then(tokens).or(self.tokens);
        let reason = match (text(response, "status"), response.pointer("/incomplete_details/reason")) {
            (Some("incomplete"), Some(reason)) if reason.as_str() == Some("content_filter") => "content_filter",
            (Some("incomplete"), _) => "length",
            _ if self.calls > 0 => "tool_calls",
            _ => "stop",
        };
        delta.finish_reason = Some(reason.to_owned());
        self.progress = Progress::Done;
    }

    /// Why an answer failed.
    fn failure(&self, response: &Json) -> ModelError {
        fault::from_body(&self.provider, response).unwrap_or_else(|| {
            let status = text(response, "status").unwrap_or("failed");
            fault::from_name(&self.provider, "server_error", &format!("the provider's answer is {status}"))
        })
    }

    fn frame(&mut self, kind: &str, json: &Json) -> Result<Frame, ModelError> {
        let mut delta = ChatDelta::default();
        let (index, null) = (number(json, "output_index").unwrap_or(0), Json::Null);
        let item = json.get("item").unwrap_or(&null);
        let response = json.get("response").unwrap_or(&null);
        if kind.starts_with("response.") {
            self.progress = self.progress.max(Progress::Open);
        }
        match kind {
            "response.output_item.added" => {
                let kind = text(item, "type").unwrap_or_default();
                self.item(index, kind, &mut delta, item);
            }
            "response.output_text.delta"
            | "response.refusal.delta"
            | "response.function_call_arguments.delta"
            | "response.reasoning_summary_text.delta"
            | "response.reasoning_text.delta" => self.go_on(kind, json, &mut delta),
            "response.output_item.done" => self.end(index, item, &mut delta),
            "response.completed" | "response.incomplete" => self.finish(response, &mut delta),
            "response.failed" | "response.cancelled" => return Err(self.failure(response)),
            "error" => {
                let name = text(json, "code").unwrap_or("server_error");
                return Err(fault::from_name(&self.provider, name, text(json, "message").unwrap_or_default()));
            }
            // The vendor may add kinds of events at any time, and tells the end of parts more than once.
            _ => {}
        }
        Ok(Frame { delta, tokens: self.tokens })
    }
}

fn text<'a>(json: &'a Json, name: &str) -> Option<&'a str> {
    json.get(name).and_then(Json::as_str)
}

fn number(json: &Json, name: &str) -> Option<u64> {
    json.get(name).and_then(Json::as_u64)
}

/// What a message says; a refusal is an answer too.
fn said(message: &Json) -> String {
    let parts = message.get("content").and_then(Json::as_array).into_iter().flatten();
    parts.filter_map(|part| text(part, "text").or_else(|| text(part, "refusal"))).collect()
}

/// A thought and the list it stands in: its summary where there is one.
fn thought(item: &Json) -> (&'static str, String) {
    let parts = |list: &str| -> Vec<&str> {
        item.get(list).and_then(Json::as_array).into_iter().flatten().filter_map(|part| text(part, "text")).collect()
    };
    let summary = parts("summary");
    if summary.is_empty() { ("content", parts("content").join("\n\n")) } else { ("summary", summary.join("\n\n")) }
}

/// What of an item goes back with the next question.
fn kept(kind: &str, item: &Json) -> Option<Json> {
    match kind {
        "message" => Some(json!({"type": "message"})),
        "function_call" => Some(json!({"type": kind, "call_id": item.get("call_id")?})),
        "reasoning" => {
            item.get("encrypted_content").filter(|sealed| sealed.is_string())?;
            let mut thought = Map::new();
            for name in ["type", "id", "summary", "encrypted_content"] {
                thought.extend(item.get(name).map(|value| (name.to_owned(), value.clone())));
            }
            Some(Json::Object(thought))
        }
        _ => None,
    }
}

impl answer::Reader for Reader {
    fn event(&mut self, event: &sse::Event) -> Result<Option<Frame>, ModelError> {
        let data = event.data.trim();
        if data.is_empty() {
            return Ok(None);
        }
        if data == "[DONE]" {
            // Some gateways end with the older protocol's word, and without this one's.
            if self.progress == Progress::Silent {
                return Ok(None);
            }
            let mut delta = ChatDelta::default();
            self.finish(&Json::Null, &mut delta);
            return Ok(Some(Frame { delta, tokens: self.tokens }));
        }
        let json: Json = serde_json::from_str(data).map_err(|error| {
            fault::garbage(&self.provider, &format!("a piece of the answer is broken ({error})"), data)
        })?;
        if let Some(error) = fault::from_body(&self.provider, &json) {
            return Err(error);
        }
        let kind = text(&json, "type").unwrap_or(&event.name).to_owned();
        self.frame(&kind, &json).map(Some)
    }

    fn document(&mut self, json: &Json) -> Result<Frame, ModelError> {
        if let Some(error) = fault::from_body(&self.provider, json) {
            return Err(error);
        }
        match text(json, "status") {
            Some("failed" | "cancelled") => return Err(self.failure(json)),
            Some("queued" | "in_progress") => {
                return Err(fault::garbage(&self.provider, "the provider's answer is not finished", &json.to_string()));
            }
            _ => {}
        }
        if !json.get("output").is_some_and(Json::is_array) {
            return Err(fault::garbage(&self.provider, "the provider's answer has no output", &json.to_string()));
        }
        let mut delta = ChatDelta::default();
        self.finish(json, &mut delta);
        Ok(Frame { delta, tokens: self.tokens })
    }

    fn progress(&self) -> Progress {
        self.progress
    }

    fn opaque(&mut self) -> Option<Json> {
        let items = std::mem::take(&mut self.kept);
        let has_thoughts = items.iter().any(|item| text(item, "type") == Some("reasoning"));
        has_thoughts.then(|| json!({OPAQUE: {"model": self.model, "items": items}}))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ChatResult, answer::Reader as _};

    fn read(events: &[Json]) -> (ChatResult, Option<Json>) {
        let mut reader = Reader::new("p", "o3");
        let mut result = ChatResult::default();
        for json in events {
            let event = sse::Event { name: String::new(), data: json.to_string() };
            if let Some(frame) = reader.event(&event).unwrap() {
                result.push(frame.delta);
            }
        }
        assert_eq!(reader.progress(), Progress::Done);
        let opaque = reader.opaque();
        (result, opaque)
    }

    fn thought() -> Json {
        json!({"type": "reasoning", "id": "rs_1", "status": "completed", "encrypted_content": "sealed",
               "summary": [{"type": "summary_text", "text": "one"}, {"type": "summary_text", "text": "two"}]})
    }

    fn call() -> Json {
        json!({"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "f", "arguments": "{\"x\":1}"})
    }

    #[test]
    fn pieces_wholes_and_the_end_alone_say_the_same() {
        let end =
            json!({"type": "response.completed", "response": {"status": "completed", "output": [thought(), call()]}});
        let done =
            |index: u64, item: Json| json!({"type": "response.output_item.done", "output_index": index, "item": item});
        let added =
            |index: u64, item: Json| json!({"type": "response.output_item.added", "output_index": index, "item": item});
        let summary = |part: u64, delta: &str| json!({"type": "response.reasoning_summary_text.delta", "output_index": 0, "summary_index": part, "delta": delta});
        let arguments =
            |delta: &str| json!({"type": "response.function_call_arguments.delta", "output_index": 1, "delta": delta});
        let begun = json!({"type": "function_call", "call_id": "call_1", "name": "f", "arguments": ""});
        for (name, events) in [
            ("the end alone", vec![end.clone()]),
            ("whole items", vec![done(0, thought()), done(1, call()), end.clone()]),
            (
                "pieces",
                vec![
                    added(0, json!({"type": "reasoning", "summary": []})),
                    summary(0, "o"),
                    summary(0, "ne"),
                    summary(1, "two"),
                    json!({"type": "response.reasoning_text.delta", "output_index": 0, "content_index": 0, "delta": "raw"}),
                    done(0, thought()),
                    added(1, begun),
                    arguments("{\"x\""),
                    arguments(":1}"),
                    json!({"type": "response.function_call_arguments.done", "output_index": 1, "arguments": "{\"x\":1}"}),
                    done(1, call()),
                    end,
                ],
            ),
        ] {
            let (result, opaque) = read(&events);
            assert_eq!(result.reasoning, "one\n\ntwo", "{name}");
            let found: Vec<_> = result
                .tool_calls
                .iter()
                .map(|call| (call.id.as_str(), call.name.as_str(), call.arguments.as_str()))
                .collect();
            assert_eq!(found, [("call_1", "f", "{\"x\":1}")], "{name}");
            assert_eq!(result.finish_reason.as_deref(), Some("tool_calls"), "{name}");
            let mut sealed = thought();
            sealed.as_object_mut().unwrap().shift_remove("status");
            let items = json!([sealed, {"type": "function_call", "call_id": "call_1"}]);
            assert_eq!(opaque, Some(json!({OPAQUE: {"model": "o3", "items": items}})), "{name}");
        }
    }

    #[test]
    fn ends_have_reasons() {
        let said = json!([{"type": "message", "content": [{"type": "output_text", "text": "a"}, {"type": "refusal", "refusal": "b"}]}]);
        for (status, details, expected) in [
            ("completed", Json::Null, "stop"),
            ("incomplete", json!({"reason": "max_output_tokens"}), "length"),
            ("incomplete", json!({"reason": "content_filter"}), "content_filter"),
        ] {
            let response = json!({"status": status, "incomplete_details": details, "output": said});
            let (result, opaque) = read(&[json!({"type": format!("response.{status}"), "response": response})]);
            assert_eq!((result.text.as_str(), result.finish_reason.as_deref()), ("ab", Some(expected)));
            assert_eq!(opaque, None);
        }
    }

    #[test]
    fn failures_in_all_their_forms() {
        use crate::ErrorClass;
        for (event, class, words) in [
            (
                json!({"type": "error", "code": "rate_limit_exceeded", "message": "slow down", "param": null}),
                ErrorClass::RateLimit { retry_after: None },
                "slow down",
            ),
            (json!({"type": "error", "code": null, "message": "broke"}), ErrorClass::Overloaded, "broke"),
            (
                json!({"type": "error", "error": {"type": "invalid_request_error", "code": "context_length_exceeded", "message": "long"}}),
                ErrorClass::BadRequest,
                "long",
            ),
            (
                json!({"type": "response.failed", "response": {"status": "failed", "error": {"code": "invalid_prompt", "message": "no"}}}),
                ErrorClass::BadRequest,
                "no",
            ),
            (json!({"type": "response.failed", "response": {"status": "failed"}}), ErrorClass::Overloaded, "failed"),
        ] {
            let mut reader = Reader::new("p", "o3");
            let sent = sse::Event { name: "error".into(), data: event.to_string() };
            let error = reader.event(&sent).unwrap_err();
            assert_eq!(error.class, class, "{event}");
            assert!(error.text.contains(words), "{error}");
        }
    }
}
