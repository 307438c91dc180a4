//! Answers of `generateContent`, whole or in pieces: every piece is a whole answer in form.

use ox_types::Json;
use serde_json::json;

use crate::{
    ChatDelta, ErrorClass, ModelError, ToolCallDelta,
    answer::{self, Frame, Progress, Tokens},
    fault, sse,
};

/// Calls of one answer; no honest one has as many.
const MAX_CALLS: usize = 128;

/// Reads answers and remembers the signatures.
pub struct Reader {
    provider: String,
    calls: Vec<Json>,
    text: Option<String>,
    tokens: Option<Tokens>,
    progress: Progress,
}

impl Reader {
    pub fn new(provider: &str) -> Self {
        Self { provider: provider.to_owned(), calls: Vec::new(), text: None, tokens: None, progress: Progress::Silent }
    }

    fn frame(&mut self, json: &Json) -> Result<Frame, ModelError> {
        if let Some(error) = fault::from_body(&self.provider, json) {
            return Err(error);
        }
        let mut delta = ChatDelta::default();
        self.tokens = json.get("usageMetadata").and_then(tokens).or(self.tokens);
        if let Some(reason) = json.pointer("/promptFeedback/blockReason").and_then(Json::as_str) {
            let text = format!("the provider refused the prompt: {reason}");
            return Err(ModelError::new(ErrorClass::BadRequest, &self.provider, text));
        }
        if let Some(candidate) = json.get("candidates").and_then(Json::as_array).and_then(|all| all.first()) {
            self.progress = self.progress.max(Progress::Open);
            for part in candidate.pointer("/content/parts").and_then(Json::as_array).into_iter().flatten() {
                self.part(part, &mut delta);
            }
            if let Some(reason) = candidate.get("finishReason").and_then(Json::as_str) {
                self.progress = Progress::Finished;
                delta.finish_reason = Some(self.finish(reason));
            }
        }
        Ok(Frame { delta, tokens: self.tokens })
    }

    fn part(&mut self, part: &Json, delta: &mut ChatDelta) {
        let signature = part.get("thoughtSignature").and_then(Json::as_str);
        if let Some(call) = part.get("functionCall").filter(|_| self.calls.len() < MAX_CALLS) {
            let id = call.get("id").and_then(Json::as_str).filter(|id| !id.is_empty()).map(str::to_owned);
            let arguments =
                call.get("args").filter(|args| args.is_object()).map_or_else(|| "{}".to_owned(), Json::to_string);
            delta.tool_calls.push(ToolCallDelta {
                index: self.calls.len(),
                id: Some(id.unwrap_or_else(|| format!("call_{}", ox_types::new_uuid().simple()))),
                name: call.get("name").and_then(Json::as_str).map(str::to_owned),
                arguments,
            });
            self.calls.push(signature.map_or(Json::Null, Json::from));
            return;
        }
        if let Some(signature) = signature {
            self.text = Some(signature.to_owned());
        }
        let text = part.get("text").and_then(Json::as_str).unwrap_or_default();
        if part.get("thought").and_then(Json::as_bool).unwrap_or(false) {
            delta.reasoning.push_str(text);
        } else {
            delta.text.push_str(text);
        }
    }

    fn finish(&self, reason: &str) -> String {
        match reason {
            "STOP" if !self.calls.is_empty() => "tool_calls",
            "STOP" => "stop",
            "MAX_TOKENS" => "length",
            "SAFETY" | "RECITATION" | "BLOCKLIST" | "PROHIBITED_CONTENT" | "SPII" | "LANGUAGE" | "IMAGE_SAFETY" => {
                "content_filter"
            }
            other => return other.to_ascii_lowercase(),
        }
        .to_owned()
    }
}

fn tokens(usage: &Json) -> Option<Tokens> {
    let number = |name: &str| usage.get(name).and_then(Json::as_u64);
    let thoughts = number("thoughtsTokenCount").unwrap_or(0);
    let (prompt, answer) = (number("promptTokenCount"), number("candidatesTokenCount"));
    if prompt.is_none() && answer.is_none() {
        return None;
    }
    Some(Tokens {
        prompt: prompt.unwrap_or(0) + number("toolUsePromptTokenCount").unwrap_or(0),
        completion: answer.unwrap_or(0) + thoughts,
        cached: number("cachedContentTokenCount").unwrap_or(0),
        written: 0,
        reasoning: thoughts,
    })
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
        self.frame(&json).map(Some)
    }

    fn document(&mut self, json: &Json) -> Result<Frame, ModelError> {
        // Without `alt=sse` a stream is a list of answers.
        let mut whole = Frame::default();
        let answers = json.as_array().map_or_else(|| std::slice::from_ref(json), Vec::as_slice);
        for answer in answers {
            let Frame { delta, tokens } = self.frame(answer)?;
            whole.delta.text.push_str(&delta.text);
            whole.delta.reasoning.push_str(&delta.reasoning);
            whole.delta.tool_calls.extend(delta.tool_calls);
            whole.delta.finish_reason = delta.finish_reason.or(whole.delta.finish_reason);
            whole.tokens = tokens.or(whole.tokens);
        }
        if self.progress == Progress::Silent {
            return Err(fault::garbage(&self.provider, "the provider's answer has no candidates", &json.to_string()));
        }
        Ok(whole)
    }

    fn progress(&self) -> Progress {
        self.progress
    }

    fn opaque(&mut self) -> Option<Json> {
        let has_any = self.text.is_some() || self.calls.iter().any(|signature| !signature.is_null());
        has_any.then(|| json!({"gemini": {"calls": std::mem::take(&mut self.calls), "text": self.text.take()}}))
    }
}
