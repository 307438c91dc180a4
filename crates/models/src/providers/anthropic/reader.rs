//! Answers of the Messages API, whole or in pieces.

use ox_types::Json;
use serde_json::json;

use super::wire::ANSWER;
use crate::{
    ChatDelta, ModelError, ToolCallDelta,
    answer::{self, Frame, Progress, Tokens},
    fault, sse,
};

/// Blocks of one answer; no honest one has as many.
const MAX_BLOCKS: usize = 1024;

/// What a block of the answer is.
enum Block {
    Text,
    /// Our index of the call, and whether it has arguments yet.
    Tool(usize, bool),
    /// The answer itself, given by a tool.
    Answer,
    /// Our index among the thoughts.
    Thought(usize),
    Other,
}

/// Reads events and remembers which block is which.
pub struct Reader {
    provider: String,
    by_tool: bool,
    blocks: Vec<(u64, Block)>,
    calls: usize,
    /// Blocks that the vendor wants back unchanged.
    thoughts: Vec<Json>,
    tokens: Option<Tokens>,
    progress: Progress,
}

impl Reader {
    pub fn new(provider: &str, by_tool: bool) -> Self {
        Self {
            provider: provider.to_owned(),
            by_tool,
            blocks: Vec::new(),
            calls: 0,
            thoughts: Vec::new(),
            tokens: None,
            progress: Progress::Silent,
        }
    }

    fn begin(&mut self, index: u64, block: &Json, delta: &mut ChatDelta) {
        let text = |name: &str| block.get(name).and_then(Json::as_str).unwrap_or_default();
        let kind = match text("type") {
            "text" => {
                delta.text.push_str(text("text"));
                Block::Text
            }
            "tool_use" if self.by_tool && text("name") == ANSWER => {
                delta.text.push_str(&arguments(block).unwrap_or_default());
                Block::Answer
            }
            "tool_use" => {
                let whole = arguments(block);
                let call = Block::Tool(self.calls, whole.is_some());
                delta.tool_calls.push(ToolCallDelta {
                    index: self.calls,
                    id: Some(text("id").to_owned()),
                    name: Some(text("name").to_owned()),
                    arguments: whole.unwrap_or_default(),
                });
                self.calls += 1;
                call
            }
            "thinking" | "redacted_thinking" => {
                delta.reasoning.push_str(text("thinking"));
                self.thoughts.push(block.clone());
                Block::Thought(self.thoughts.len().saturating_sub(1))
            }
            _ => Block::Other,
        };
        if self.blocks.len() < MAX_BLOCKS {
            self.blocks.retain(|(known, _)| *known != index);
            self.blocks.push((index, kind));
        }
    }

    fn go_on(&mut self, index: u64, piece: &Json, delta: &mut ChatDelta) {
        let text = |name: &str| piece.get(name).and_then(Json::as_str).unwrap_or_default();
        let block = self.blocks.iter_mut().find(|(known, _)| *known == index).map(|(_, block)| block);
        match (text("type"), block) {
            ("text_delta", _) => delta.text.push_str(text("text")),
            ("input_json_delta", Some(Block::Answer)) => delta.text.push_str(text("partial_json")),
            ("input_json_delta", Some(Block::Tool(call, begun))) => {
                let arguments = text("partial_json").to_owned();
                *begun |= !arguments.is_empty();
                delta.tool_calls.push(ToolCallDelta { index: *call, arguments, ..ToolCallDelta::default() });
            }
            ("thinking_delta", Some(Block::Thought(thought))) => {
                delta.reasoning.push_str(text("thinking"));
                let thought = *thought;
                self.keep_thought(thought, "thinking", text("thinking"));
            }
            ("signature_delta", Some(Block::Thought(thought))) => {
                let thought = *thought;
                self.keep_thought(thought, "signature", text("signature"));
            }
            _ => {}
        }
    }

    fn keep_thought(&mut self, thought: usize, field: &str, text: &str) {
        let thought = self.thoughts.get_mut(thought).and_then(Json::as_object_mut);
        let Some(thought) = thought else { return };
        let known = thought.get(field).and_then(Json::as_str).unwrap_or_default();
        let longer = format!("{known}{text}");
        thought.insert(field.to_owned(), longer.into());
    }

    /// A call without arguments still has an object of them.
    fn end(&mut self, index: u64, delta: &mut ChatDelta) {
        let block = self.blocks.iter_mut().find(|(known, _)| *known == index);
        if let Some((_, Block::Tool(call, begun @ false))) = block {
            *begun = true;
            delta.tool_calls.push(ToolCallDelta { index: *call, arguments: "{}".into(), ..ToolCallDelta::default() });
        }
    }

    fn stop(&mut self, reason: Option<&Json>, delta: &mut ChatDelta) {
        let Some(reason) = reason.and_then(Json::as_str) else { return };
        self.progress = Progress::Finished;
        let reason = match reason {
            "tool_use" if self.calls == 0 => "stop",
            "tool_use" => "tool_calls",
            "end_turn" | "stop_sequence" | "pause_turn" => "stop",
            "max_tokens" | "model_context_window_exceeded" => "length",
            "refusal" => "content_filter",
            other => other,
        };
        delta.finish_reason = Some(reason.to_owned());
    }

    /// Counts are those so far: a later one takes the place of an earlier one.
    fn count(&mut self, usage: Option<&Json>) {
        let Some(usage) = usage.filter(|usage| usage.is_object()) else { return };
        let number = |name: &str| usage.get(name).and_then(Json::as_u64);
        let tokens = self.tokens.get_or_insert_default();
        if let Some(input) = number("input_tokens").filter(|input| *input > 0) {
            tokens.cached = number("cache_read_input_tokens").unwrap_or(0);
            tokens.written = number("cache_creation_input_tokens").unwrap_or(0);
            tokens.prompt = input + tokens.cached + tokens.written;
        } else if tokens.prompt == 0 {
            tokens.cached = number("cache_read_input_tokens").unwrap_or(0);
            tokens.written = number("cache_creation_input_tokens").unwrap_or(0);
            tokens.prompt = tokens.cached + tokens.written;
        }
        tokens.completion = number("output_tokens").unwrap_or(tokens.completion);
    }

    fn frame(&mut self, kind: &str, json: &Json) -> Frame {
        let mut delta = ChatDelta::default();
        let index = json.get("index").and_then(Json::as_u64).unwrap_or(0);
        match kind {
            "message_start" => {
                self.progress = Progress::Open;
                self.count(json.pointer("/message/usage"));
            }
            "content_block_start" => {
                self.progress = self.progress.max(Progress::Open);
                if let Some(block) = json.get("content_block") {
                    self.begin(index, block, &mut delta);
                }
            }
            "content_block_delta" => {
                if let Some(piece) = json.get("delta") {
                    self.go_on(index, piece, &mut delta);
                }
            }
            "content_block_stop" => self.end(index, &mut delta),
            "message_delta" => {
                self.count(json.get("usage"));
                self.stop(json.pointer("/delta/stop_reason"), &mut delta);
            }
            "message_stop" if self.progress != Progress::Silent => self.progress = Progress::Done,
            // The vendor may add kinds of events at any time.
            _ => {}
        }
        Frame { delta, tokens: self.tokens }
    }
}

/// The input of a call that came in one piece.
fn arguments(block: &Json) -> Option<String> {
    let input = block.get("input").filter(|input| input.as_object().is_some_and(|input| !input.is_empty()))?;
    Some(input.to_string())
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
        Ok(Some(self.frame(&kind, &json)))
    }

    fn document(&mut self, json: &Json) -> Result<Frame, ModelError> {
        if let Some(error) = fault::from_body(&self.provider, json) {
            return Err(error);
        }
        let content = json.get("content").and_then(Json::as_array);
        let content = content
            .ok_or_else(|| fault::garbage(&self.provider, "the provider's answer has no content", &json.to_string()))?;
        let mut delta = ChatDelta::default();
        for (index, block) in (0_u64..).zip(content.iter().take(MAX_BLOCKS)) {
            self.begin(index, block, &mut delta);
            self.end(index, &mut delta);
        }
        self.count(json.get("usage"));
        self.stop(json.get("stop_reason"), &mut delta);
        self.progress = Progress::Done;
        // Pieces of one call that came together are one.
        merge(&mut delta.tool_calls);
        Ok(Frame { delta, tokens: self.tokens })
    }

    fn progress(&self) -> Progress {
        self.progress
    }

    fn opaque(&mut self) -> Option<Json> {
        let thoughts = std::mem::take(&mut self.thoughts);
        (!thoughts.is_empty()).then(|| json!({"anthropic": thoughts}))
    }
}

fn merge(calls: &mut Vec<ToolCallDelta>) {
    let mut whole: Vec<ToolCallDelta> = Vec::new();
    for call in calls.drain(..) {
        match whole.last_mut() {
            Some(last) if last.index == call.index => last.arguments.push_str(&call.arguments),
            _ => whole.push(call),
        }
    }
    *calls = whole;
}
