//! Answers of the OpenAI protocol, whole or in pieces.

use ox_types::Json;

use crate::{
    ChatDelta, ModelError, ToolCallDelta,
    answer::{self, Frame, Progress, Tokens},
    fault, sse,
};

/// Tokens as the protocol's vendors tell them.
pub fn tokens(json: &Json) -> Option<Tokens> {
    let number = |path: &[&str]| path.iter().try_fold(json, |at, key| at.get(*key)).and_then(Json::as_u64);
    let prompt = number(&["prompt_tokens"]).or_else(|| number(&["input_tokens"]));
    let completion = number(&["completion_tokens"]).or_else(|| number(&["output_tokens"]));
    let total = number(&["total_tokens"]);
    if prompt.is_none() && completion.is_none() && total.is_none() {
        return None;
    }
    // Embeddings of some vendors are told by their total alone.
    let prompt = prompt.or(total.filter(|_| completion.is_none())).unwrap_or(0);
    Some(Tokens {
        prompt,
        completion: completion.unwrap_or_else(|| total.unwrap_or(0).saturating_sub(prompt)),
        cached: number(&["prompt_tokens_details", "cached_tokens"])
            .or_else(|| number(&["input_tokens_details", "cached_tokens"]))
            .or_else(|| number(&["prompt_cache_hit_tokens"]))
            .unwrap_or(0),
        written: 0,
        reasoning: number(&["completion_tokens_details", "reasoning_tokens"])
            .or_else(|| number(&["output_tokens_details", "reasoning_tokens"]))
            .unwrap_or(0),
    })
}

/// Reads frames and remembers what fragments belong together.
#[derive(Debug, Default)]
pub struct Reader {
    provider: String,
    /// Ids of the tool calls seen, by our index.
    calls: Vec<Option<String>>,
    /// Our index for a vendor's.
    by_index: std::collections::HashMap<u64, usize>,
    progress: Progress,
}

impl Reader {
    pub fn new(provider: &str) -> Self {
        Self { provider: provider.to_owned(), ..Self::default() }
    }

    /// Reads one JSON document: a piece, or a whole answer.
    pub fn frame(&mut self, json: &Json) -> Result<Frame, ModelError> {
        if let Some(error) = fault::from_body(&self.provider, json) {
            return Err(error);
        }
        self.progress = self.progress.max(Progress::Open);
        let mut frame = Frame::default();
        let usage = json.get("usage").or_else(|| json.get("x_groq").and_then(|groq| groq.get("usage")));
        frame.tokens = usage.and_then(tokens);
        let Some(choice) = json.get("choices").and_then(Json::as_array).and_then(|choices| choices.first()) else {
            return Ok(frame);
        };
        if let Some(text) = choice.get("text").and_then(Json::as_str) {
            frame.delta.text.push_str(text);
        }
        if let Some(part) =
            ["delta", "message"].iter().find_map(|name| choice.get(*name)).filter(|part| part.is_object())
        {
            self.message(part, &mut frame.delta);
        }
        if let Some(reason) = choice.get("finish_reason").and_then(Json::as_str).filter(|reason| !reason.is_empty()) {
            self.progress = Progress::Finished;
            frame.delta.finish_reason = Some(reason.to_owned());
        }
        Ok(frame)
    }

    fn message(&mut self, part: &Json, delta: &mut ChatDelta) {
        content(part.get("content"), delta);
        if let Some(text) = part.get("refusal").and_then(Json::as_str) {
            delta.text.push_str(text);
        }
        let reasoning = ["reasoning_content", "reasoning"].iter().find_map(|name| part.get(*name)?.as_str());
        delta.reasoning.push_str(reasoning.unwrap_or_default());
        for fragment in part.get("tool_calls").and_then(Json::as_array).into_iter().flatten() {
            let call = self.tool_call(fragment);
            delta.tool_calls.extend(call);
        }
        if let Some(call) = part.get("function_call").filter(|call| call.is_object()) {
            // The protocol's first form: one unnamed call.
            let text = |name: &str| call.get(name).and_then(Json::as_str).map(str::to_owned);
            let id = if self.calls.is_empty() {
                self.calls.push(None);
                Some("call_0".to_owned())
            } else {
                None
            };
            let arguments = text("arguments").unwrap_or_default();
            delta.tool_calls.push(ToolCallDelta { index: 0, id, name: text("name"), arguments });
        }
    }

    fn tool_call(&mut self, fragment: &Json) -> Option<ToolCallDelta> {
        let id = fragment.get("id").and_then(Json::as_str).filter(|id| !id.is_empty());
        let function = fragment.get("function").filter(|function| function.is_object());
        let name =
            function.and_then(|function| function.get("name")).and_then(Json::as_str).filter(|name| !name.is_empty());
        let arguments = match function.and_then(|function| function.get("arguments")) {
            Some(Json::String(text)) => text.clone(),
            // Compat: some servers send the object instead of its text.
            Some(object @ Json::Object(_)) => object.to_string(),
            _ => String::new(),
        };
        let index = self.index_of(fragment.get("index").and_then(Json::as_u64), id, name.is_some())?;
        // A vendor that repeats name and id in every fragment must not double them.
        let slot = self.calls.get_mut(index)?;
        let is_first = slot.is_none();
        if is_first {
            *slot = Some(id.map_or_else(|| format!("call_{index}"), str::to_owned));
        }
        Some(ToolCallDelta {
            index,
            id: if is_first { slot.clone() } else { None },
            name: name.filter(|_| is_first).map(str::to_owned),
            arguments,
        })
    }

    /// Which call a fragment belongs to: by the vendor's index, else by id, else the last one.
    fn index_of(&mut self, index: Option<u64>, id: Option<&str>, is_named: bool) -> Option<usize> {
        let known = id.and_then(|id| self.calls.iter().position(|call| call.as_deref() == Some(id)));
        if known.is_some() {
            return known;
        }
        if let Some(index) = index {
            if let Some(ours) = self.by_index.get(&index).copied() {
                // Compat: some servers give every whole call the index 0; a new id there is a new call.
                if !(id.is_some() && is_named) {
                    return Some(ours);
                }
            }
            let ours = self.open_call()?;
            self.by_index.insert(index, ours);
            return Some(ours);
        }
        if id.is_some() || is_named || self.calls.is_empty() {
            self.open_call()
        } else {
            self.calls.len().checked_sub(1)
        }
    }

    fn open_call(&mut self) -> Option<usize> {
        if self.calls.len() >= 128 {
            return None;
        }
        self.calls.push(None);
        self.calls.len().checked_sub(1)
    }
}

impl answer::Reader for Reader {
    fn event(&mut self, event: &sse::Event) -> Result<Option<Frame>, ModelError> {
        let data = event.data.trim();
        if data.is_empty() {
            return Ok(None);
        }
        if data == "[DONE]" {
            // Without a frame before it there was no answer.
            if self.progress != Progress::Silent {
                self.progress = Progress::Done;
            }
            return Ok(None);
        }
        if !data.starts_with('{') && !data.starts_with('[') {
            if event.name == "error" {
                return Err(fault::garbage(&self.provider, "the provider broke off", data));
            }
            tracing::debug!(provider = self.provider, "a line that is no JSON was passed over");
            return Ok(None);
        }
        let json: Json = serde_json::from_str(data).map_err(|error| {
            fault::garbage(&self.provider, &format!("a piece of the answer is broken ({error})"), data)
        })?;
        self.frame(&json).map(Some)
    }

    fn document(&mut self, json: &Json) -> Result<Frame, ModelError> {
        let frame = self.frame(json)?;
        if json.get("choices").and_then(Json::as_array).is_none_or(Vec::is_empty) {
            return Err(fault::garbage(&self.provider, "the provider's answer has no choices", &json.to_string()));
        }
        Ok(frame)
    }

    fn progress(&self) -> Progress {
        self.progress
    }
}

/// Text, or a list of parts with text and reasoning among them.
fn content(content: Option<&Json>, delta: &mut ChatDelta) {
    match content {
        Some(Json::String(text)) => delta.text.push_str(text),
        Some(Json::Array(parts)) => {
            for part in parts {
                let text = part.get("text").and_then(Json::as_str);
                match part.get("type").and_then(Json::as_str) {
                    Some("thinking") => match part.get("thinking") {
                        Some(Json::String(text)) => delta.reasoning.push_str(text),
                        Some(Json::Array(inner)) => {
                            for text in inner.iter().filter_map(|item| item.get("text")?.as_str()) {
                                delta.reasoning.push_str(text);
                            }
                        }
                        _ => {}
                    },
                    _ => delta.text.push_str(text.unwrap_or_default()),
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::ChatResult;

    fn read(frames: &[Json]) -> ChatResult {
        let mut reader = Reader::new("p");
        let mut result = ChatResult::default();
        for frame in frames {
            result.push(reader.frame(frame).unwrap().delta);
        }
        result
    }

    fn tools(calls: &[Json]) -> Vec<(String, String, String)> {
        let frames: Vec<Json> =
            calls.iter().map(|call| json!({"choices": [{"delta": {"tool_calls": [call]}}]})).collect();
        read(&frames).tool_calls.into_iter().map(|call| (call.id, call.name, call.arguments)).collect()
    }

    #[test]
    fn fragments_of_tool_calls() {
        let call = |id: &str, name: &str, arguments: &str| (id.to_owned(), name.to_owned(), arguments.to_owned());
        // OpenAI: id and name once, arguments in pieces, calls by index.
        let found = tools(&[
            json!({"index": 0, "id": "a", "function": {"name": "f", "arguments": ""}}),
            json!({"index": 0, "function": {"arguments": "{\"x\""}}),
            json!({"index": 1, "id": "b", "function": {"name": "g", "arguments": "{}"}}),
            json!({"index": 0, "function": {"arguments": ":1}"}}),
        ]);
        assert_eq!(found, [call("a", "f", "{\"x\":1}"), call("b", "g", "{}")]);
        // Whole calls which all have index 0.
        let found = tools(&[
            json!({"index": 0, "id": "a", "function": {"name": "f", "arguments": "{}"}}),
            json!({"index": 0, "id": "b", "function": {"name": "f", "arguments": "{}"}}),
        ]);
        assert_eq!(found, [call("a", "f", "{}"), call("b", "f", "{}")]);
        // No index, no id, arguments as an object.
        let found = tools(&[
            json!({"function": {"name": "f", "arguments": {"x": 1}}}),
            json!({"function": {"name": "g", "arguments": ""}}),
            json!({"function": {"arguments": "{}"}}),
        ]);
        assert_eq!(found, [call("call_0", "f", "{\"x\":1}"), call("call_1", "g", "{}")]);
        // Id and name repeated in every piece.
        let found = tools(&[
            json!({"index": 0, "id": "a", "function": {"name": "f", "arguments": "{"}}),
            json!({"index": 0, "id": "a", "function": {"name": "f", "arguments": "}"}}),
        ]);
        assert_eq!(found, [call("a", "f", "{}")]);
    }

    #[test]
    fn reasoning_in_its_three_forms() {
        for delta in [
            json!({"reasoning_content": "hm", "content": "x"}),
            json!({"reasoning": "hm", "content": "x"}),
            json!({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}, {"type": "text", "text": "x"}]}),
        ] {
            let result = read(&[json!({"choices": [{"delta": delta}]})]);
            assert_eq!((result.reasoning.as_str(), result.text.as_str()), ("hm", "x"));
        }
    }

    #[test]
    fn tokens_of_many_vendors() {
        for (usage, expected) in [
            (json!({"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}), (3, 4, 0)),
            (json!({"prompt_tokens": 3, "total_tokens": 3}), (3, 0, 0)),
            (json!({"total_tokens": 3}), (3, 0, 0)),
            (json!({"input_tokens": 3, "output_tokens": 4}), (3, 4, 0)),
            (json!({"prompt_tokens": 3, "completion_tokens": 4, "prompt_cache_hit_tokens": 2}), (3, 4, 2)),
            (
                json!({"prompt_tokens": 3, "completion_tokens": 4, "prompt_tokens_details": {"cached_tokens": 1}}),
                (3, 4, 1),
            ),
        ] {
            let tokens = tokens(&usage).unwrap();
            assert_eq!((tokens.prompt, tokens.completion, tokens.cached), expected, "{usage}");
        }
        assert_eq!(tokens(&json!(null)), None);
    }

    fn any_json() -> impl proptest::strategy::Strategy<Value = Json> {
        use proptest::prelude::*;
        let leaf = prop_oneof![
            Just(Json::Null),
            any::<bool>().prop_map(Json::from),
            any::<i64>().prop_map(Json::from),
            "[a-z]{0,4}".prop_map(Json::from),
        ];
        leaf.prop_recursive(5, 40, 4, |inner| {
            let key = prop_oneof![
                Just("choices"),
                Just("delta"),
                Just("message"),
                Just("content"),
                Just("tool_calls"),
                Just("function"),
                Just("index"),
                Just("id"),
                Just("arguments"),
                Just("name"),
                Just("usage"),
                Just("error"),
                Just("text"),
            ];
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Json::from),
                proptest::collection::vec((key, inner), 0..4)
                    .prop_map(|pairs| pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()),
            ]
        })
    }

    proptest::proptest! {
        #[test]
        fn no_document_panics(frames in proptest::collection::vec(any_json(), 1..6)) {
            let mut reader = Reader::new("p");
            let mut result = ChatResult::default();
            for frame in &frames {
                if let Ok(frame) = reader.frame(frame) {
                    result.push(frame.delta);
                }
            }
            proptest::prop_assert!(result.tool_calls.len() <= 128);
        }
    }
}
