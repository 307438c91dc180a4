//! Answers of Ollama: every line has the form of the whole.

use ox_types::Json;

use crate::{
    ModelError, ToolCallDelta,
    answer::{self, Frame, Progress, Tokens},
    fault, sse,
};

/// Calls of one answer; no honest one has as many.
const MAX_CALLS: usize = 128;

/// Reads lines and counts the calls.
pub struct Reader {
    provider: String,
    calls: usize,
    progress: Progress,
}

impl Reader {
    pub fn new(provider: &str) -> Self {
        Self { provider: provider.to_owned(), calls: 0, progress: Progress::Silent }
    }

    fn frame(&mut self, json: &Json) -> Result<Frame, ModelError> {
        if let Some(error) = fault::from_body(&self.provider, json) {
            return Err(error);
        }
        let mut frame = Frame::default();
        let text = |value: Option<&Json>, name: &str| {
            value.and_then(|value| value.get(name)).and_then(Json::as_str).unwrap_or_default().to_owned()
        };
        let message = json.get("message").filter(|message| message.is_object());
        if message.is_none() && json.get("response").is_none() && json.get("done").is_none() {
            return Err(fault::garbage(&self.provider, "a piece of the answer is not Ollama's", &json.to_string()));
        }
        self.progress = self.progress.max(Progress::Open);
        frame.delta.text = text(message, "content") + &text(Some(json), "response");
        frame.delta.reasoning = text(message, "thinking") + &text(Some(json), "thinking");
        let calls = message.and_then(|message| message.get("tool_calls")).and_then(Json::as_array);
        for call in calls.into_iter().flatten() {
            if self.calls >= MAX_CALLS {
                break;
            }
            let function = call.get("function");
            let arguments = match function.and_then(|function| function.get("arguments")) {
                Some(Json::String(text)) => text.clone(),
                Some(object @ Json::Object(_)) => object.to_string(),
                _ => "{}".to_owned(),
            };
            let id = call.get("id").and_then(Json::as_str).filter(|id| !id.is_empty()).map(str::to_owned);
            frame.delta.tool_calls.push(ToolCallDelta {
                index: self.calls,
                id: Some(id.unwrap_or_else(|| format!("call_{}", ox_types::new_uuid().simple()))),
                name: Some(text(function, "name")),
                arguments,
            });
            self.calls += 1;
        }
        if json.get("done").and_then(Json::as_bool).unwrap_or(false) {
            self.progress = Progress::Done;
            let reason = text(Some(json), "done_reason");
            let reason = match reason.as_str() {
                "" | "stop" if self.calls > 0 => "tool_calls",
                "" | "stop" | "load" | "unload" => "stop",
                other => other,
            };
            frame.delta.finish_reason = Some(reason.to_owned());
            frame.tokens = tokens(json);
        }
        Ok(frame)
    }
}

/// Told only in part, tokens are counted here.
fn tokens(json: &Json) -> Option<Tokens> {
    let number = |name: &str| json.get(name).and_then(Json::as_u64);
    Some(Tokens { prompt: number("prompt_eval_count")?, completion: number("eval_count")?, ..Tokens::default() })
}

impl answer::Reader for Reader {
    fn event(&mut self, event: &sse::Event) -> Result<Option<Frame>, ModelError> {
        let json: Json = serde_json::from_str(&event.data).map_err(|error| {
            fault::garbage(&self.provider, &format!("a piece of the answer is broken ({error})"), &event.data)
        })?;
        self.frame(&json).map(Some)
    }

    fn document(&mut self, json: &Json) -> Result<Frame, ModelError> {
        self.frame(json)
    }

    fn progress(&self) -> Progress {
        self.progress
    }
}
