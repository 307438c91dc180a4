//! Answers of Cohere's second API, whole or in pieces.

use ox_types::Json;

use crate::{
    ChatDelta, ErrorClass, ModelError, ToolCallDelta,
    answer::{self, Frame, Progress, Tokens},
    fault, sse,
};

/// Reads events and remembers which call is which.
pub struct Reader {
    provider: String,
    /// The vendor's indices of the calls.
    calls: Vec<u64>,
    progress: Progress,
}

impl Reader {
    pub fn new(provider: &str) -> Self {
        Self { provider: provider.to_owned(), calls: Vec::new(), progress: Progress::Silent }
    }

    fn frame(&mut self, kind: &str, json: &Json) -> Result<Frame, ModelError> {
        let mut frame = Frame::default();
        let delta = &mut frame.delta;
        let message = json.pointer("/delta/message");
        let index = json.get("index").and_then(Json::as_u64).unwrap_or(0);
        match kind {
            "message-start" => self.progress = self.progress.max(Progress::Open),
            "content-start" | "content-delta" => {
                self.progress = self.progress.max(Progress::Open);
                if let Some(content) = message.and_then(|message| message.get("content")) {
                    content_part(content, delta);
                }
            }
            "tool-plan-delta" => {
                self.progress = self.progress.max(Progress::Open);
                let plan = message.and_then(|message| message.get("tool_plan")).and_then(Json::as_str);
                delta.reasoning.push_str(plan.unwrap_or_default());
            }
            "tool-call-start" | "tool-call-delta" => {
                self.progress = self.progress.max(Progress::Open);
                if let Some(call) = message.and_then(|message| message.get("tool_calls")) {
                    delta.tool_calls.extend(self.call(index, call));
                }
            }
            "message-end" => {
                let error = json.pointer("/delta/error").and_then(Json::as_str).unwrap_or_default();
                let reason = json.pointer("/delta/finish_reason").and_then(Json::as_str).unwrap_or("COMPLETE");
                delta.finish_reason = Some(self.finish(reason, error)?);
                frame.tokens = json.pointer("/delta/usage").and_then(tokens);
                self.progress = Progress::Done;
            }
            // Citations, and what the vendor may add.
            _ => {}
        }
        Ok(frame)
    }

    fn call(&mut self, index: u64, call: &Json) -> Option<ToolCallDelta> {
        let text = |pointer: &str| call.pointer(pointer).and_then(Json::as_str);
        let ours = match self.calls.iter().position(|known| *known == index) {
            Some(ours) => ours,
            None if self.calls.len() < 128 => {
                self.calls.push(index);
                self.calls.len() - 1
            }
            None => return None,
        };
        Some(ToolCallDelta {
            index: ours,
            id: text("/id").map(str::to_owned),
            name: text("/function/name").map(str::to_owned),
            arguments: text("/function/arguments").unwrap_or_default().to_owned(),
        })
    }

    fn finish(&self, reason: &str, error: &str) -> Result<String, ModelError> {
        let failed = |class| {
            let text = if error.is_empty() { format!("the provider ended with {reason}") } else { error.to_owned() };
            ModelError::new(class, &self.provider, text)
        };
        Ok(match reason {
            "COMPLETE" | "STOP_SEQUENCE" => "stop",
            "TOOL_CALL" => "tool_calls",
            "MAX_TOKENS" => "length",
            "ERROR" => return Err(failed(ErrorClass::Overloaded)),
            "TIMEOUT" => return Err(failed(ErrorClass::Timeout)),
            other => return Ok(other.to_ascii_lowercase()),
        }
        .to_owned())
    }
}

fn content_part(content: &Json, delta: &mut ChatDelta) {
    let text = |name: &str| content.get(name).and_then(Json::as_str).unwrap_or_default();
    delta.text.push_str(text("text"));
    delta.reasoning.push_str(text("thinking"));
}

fn tokens(usage: &Json) -> Option<Tokens> {
    let number = |pointer: &str| {
        let number = usage.pointer(pointer)?;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count of tokens")]
        number.as_u64().or_else(|| number.as_f64().map(|number| number.max(0.0) as u64))
    };
    // What is billed leaves out what the vendor adds to a prompt, and is what costs.
    let billed = (number("/billed_units/input_tokens"), number("/billed_units/output_tokens"));
    let (prompt, completion) = match billed {
        (None, None) => (number("/tokens/input_tokens"), number("/tokens/output_tokens")),
        billed => billed,
    };
    if prompt.is_none() && completion.is_none() {
        return None;
    }
    let cached = number("/cached_tokens").unwrap_or(0);
    Some(Tokens { prompt: prompt.unwrap_or(0), completion: completion.unwrap_or(0), cached, ..Tokens::default() })
}

impl answer::Reader for Reader {
    fn event(&mut self, event: &sse::Event) -> Result<Option<Frame>, ModelError> {
        let data = event.data.trim();
        if data.is_empty() || data == "[DONE]" {
            return Ok(None);
        }
        let json: Json = serde_json::from_str(data).map_err(|error| {
            fault::garbage(&self.provider, &format!("a piece of the answer is broken ({error})"), data)
        })?;
        if let Some(error) = fault::from_body(&self.provider, &json) {
            return Err(error);
        }
        let kind = json.get("type").and_then(Json::as_str).unwrap_or(&event.name).to_owned();
        self.frame(&kind, &json).map(Some)
    }

    fn document(&mut self, json: &Json) -> Result<Frame, ModelError> {
        if let Some(error) = fault::from_body(&self.provider, json) {
            return Err(error);
        }
        let message = json.get("message").filter(|message| message.is_object());
        let message = message
            .ok_or_else(|| fault::garbage(&self.provider, "the provider's answer has no message", &json.to_string()))?;
        let mut frame = Frame::default();
        match message.get("content") {
            Some(Json::String(text)) => frame.delta.text.push_str(text),
            Some(Json::Array(parts)) => parts.iter().for_each(|part| content_part(part, &mut frame.delta)),
            _ => {}
        }
        let plan = message.get("tool_plan").and_then(Json::as_str).unwrap_or_default();
        frame.delta.reasoning.push_str(plan);
        let calls = message.get("tool_calls").and_then(Json::as_array);
        for (index, call) in (0..).zip(calls.into_iter().flatten()) {
            frame.delta.tool_calls.extend(self.call(index, call));
        }
        let reason = json.get("finish_reason").and_then(Json::as_str).unwrap_or("COMPLETE");
        frame.delta.finish_reason = Some(self.finish(reason, "")?);
        frame.tokens = json.get("usage").and_then(tokens);
        self.progress = Progress::Done;
        Ok(frame)
    }

    fn progress(&self) -> Progress {
        self.progress
    }
}
