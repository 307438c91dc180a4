//! Answers of the Converse API, whole or in pieces.

use ox_types::Json;
use serde_json::json;

use super::wire::ANSWER;
use crate::{
    ChatDelta, ModelError, ToolCallDelta,
    answer::{self, Frame, Progress, Tokens},
    fault, sse,
};

const MAX_BLOCKS: usize = 1024;

/// What a block of the answer is.
#[derive(Clone, Copy)]
enum Block {
    /// Our index of the call, and whether it has arguments yet.
    Tool(usize, bool),
    Answer,
    /// Our index among the thoughts.
    Thought(usize),
}

/// Reads events and remembers which block is which.
pub struct Reader {
    provider: String,
    by_tool: bool,
    blocks: Vec<(u64, Block)>,
    calls: usize,
    thoughts: Vec<Json>,
    progress: Progress,
}

impl Reader {
    pub fn new(provider: &str, by_tool: bool) -> Self {
        let (blocks, thoughts) = (Vec::new(), Vec::new());
        Self { provider: provider.to_owned(), by_tool, blocks, calls: 0, thoughts, progress: Progress::Silent }
    }

    fn known(&mut self, index: u64) -> Option<&mut Block> {
        self.blocks.iter_mut().find(|(known, _)| *known == index).map(|(_, block)| block)
    }

    fn add(&mut self, index: u64, block: Block) {
        if self.blocks.len() < MAX_BLOCKS {
            self.blocks.push((index, block));
        }
    }

    fn tool(&mut self, index: u64, tool: &Json, delta: &mut ChatDelta) {
        let text = |name: &str| tool.get(name).and_then(Json::as_str).map(str::to_owned);
        let input = tool.get("input").filter(|input| input.is_object()).map(Json::to_string);
        if self.by_tool && tool.get("name").and_then(Json::as_str) == Some(ANSWER) {
            delta.text.push_str(&input.unwrap_or_default());
            self.add(index, Block::Answer);
            return;
        }
        self.add(index, Block::Tool(self.calls, input.is_some()));
        delta.tool_calls.push(ToolCallDelta {
            index: self.calls,
            id: text("toolUseId"),
            name: text("name"),
            arguments: input.unwrap_or_default(),
        });
        self.calls += 1;
    }

    fn piece(&mut self, index: u64, piece: &Json, delta: &mut ChatDelta) {
        if let Some(text) = piece.get("text").and_then(Json::as_str) {
            delta.text.push_str(text);
        }
        if let Some(input) = piece.pointer("/toolUse/input").and_then(Json::as_str) {
            match self.known(index) {
                Some(Block::Answer) => delta.text.push_str(input),
                Some(Block::Tool(call, begun)) => {
                    *begun |= !input.is_empty();
                    let arguments = input.to_owned();
                    delta.tool_calls.push(ToolCallDelta { index: *call, arguments, ..ToolCallDelta::default() });
                }
                _ => {}
            }
        }
        if let Some(reasoning) = piece.get("reasoningContent") {
            let text = reasoning.get("text").and_then(Json::as_str).unwrap_or_default();
            delta.reasoning.push_str(text);
            self.keep_thought(index, reasoning);
        }
    }

    /// Thoughts go back as they came, in the form of whole messages.
    fn keep_thought(&mut self, index: u64, piece: &Json) {
        let thought = match self.known(index) {
            Some(Block::Thought(thought)) => *thought,
            _ => {
                self.thoughts.push(json!({"reasoningContent": {}}));
                let thought = self.thoughts.len().saturating_sub(1);
                self.add(index, Block::Thought(thought));
                thought
            }
        };
        let Some(content) = self.thoughts.get_mut(thought).and_then(|thought| thought.get_mut("reasoningContent"))
        else {
            return;
        };
        if let Some(redacted) = piece.get("redactedContent") {
            content["redactedContent"] = redacted.clone();
        }
        for field in ["text", "signature"] {
            if let Some(text) = piece.get(field).and_then(Json::as_str) {
                let known =
                    content.pointer(&format!("/reasoningText/{field}")).and_then(Json::as_str).unwrap_or_default();
                let longer = format!("{known}{text}");
                content["reasoningText"][field] = longer.into();
            }
        }
    }

    fn finish(&mut self, reason: Option<&Json>) -> String {
        self.progress = Progress::Finished;
        match reason.and_then(Json::as_str).unwrap_or("end_turn") {
            "tool_use" if self.calls > 0 => "tool_calls",
            "tool_use" | "end_turn" | "stop_sequence" => "stop",
            "max_tokens" | "model_context_window_exceeded" => "length",
            "guardrail_intervened" | "content_filtered" => "content_filter",
            other => return other.to_owned(),
        }
        .to_owned()
    }
}

fn tokens(usage: &Json) -> Option<Tokens> {
    let number = |name: &str| usage.get(name).and_then(Json::as_u64);
    let (cached, written) = (number("cacheReadInputTokens").unwrap_or(0), number("cacheWriteInputTokens").unwrap_or(0));
    Some(Tokens {
        prompt: number("inputTokens")? + cached + written,
        completion: number("outputTokens").unwrap_or(0),
        cached,
        written,
        reasoning: 0,
    })
}

impl answer::Reader for Reader {
    fn event(&mut self, event: &sse::Event) -> Result<Option<Frame>, ModelError> {
        let json: Json = serde_json::from_str(&event.data).map_err(|error| {
            fault::garbage(&self.provider, &format!("a piece of the answer is broken ({error})"), &event.data)
        })?;
        if let Some(name) = event.name.strip_prefix("exception:") {
            let text = ["message", "Message"].iter().find_map(|field| json.get(*field)?.as_str()).unwrap_or_default();
            return Err(fault::from_name(&self.provider, name, text));
        }
        let mut frame = Frame::default();
        let index = json.get("contentBlockIndex").and_then(Json::as_u64).unwrap_or(0);
        match event.name.as_str() {
            "messageStart" => self.progress = self.progress.max(Progress::Open),
            "contentBlockStart" => {
                if let Some(tool) = json.pointer("/start/toolUse") {
                    self.tool(index, tool, &mut frame.delta);
                }
            }
            "contentBlockDelta" => {
                self.progress = self.progress.max(Progress::Open);
                if let Some(piece) = json.get("delta") {
                    self.piece(index, piece, &mut frame.delta);
                }
            }
            "contentBlockStop" => {
                if let Some(Block::Tool(call, begun @ false)) = self.known(index) {
                    *begun = true;
                    let (index, arguments) = (*call, "{}".to_owned());
                    frame.delta.tool_calls.push(ToolCallDelta { index, arguments, ..ToolCallDelta::default() });
                }
            }
            "messageStop" => frame.delta.finish_reason = Some(self.finish(json.get("stopReason"))),
            "metadata" => {
                frame.tokens = json.get("usage").and_then(tokens);
                if self.progress == Progress::Finished {
                    self.progress = Progress::Done;
                }
            }
            _ => {}
        }
        Ok(Some(frame))
    }

    fn document(&mut self, json: &Json) -> Result<Frame, ModelError> {
        let content = json.pointer("/output/message/content").and_then(Json::as_array);
        let content = content
            .ok_or_else(|| fault::garbage(&self.provider, "the provider's answer has no content", &json.to_string()))?;
        let mut frame = Frame::default();
        for (index, block) in (0_u64..).zip(content.iter().take(MAX_BLOCKS)) {
            if let Some(text) = block.get("text").and_then(Json::as_str) {
                frame.delta.text.push_str(text);
            } else if let Some(tool) = block.get("toolUse") {
                self.tool(index, tool, &mut frame.delta);
            } else if let Some(reasoning) = block.get("reasoningContent") {
                let text = reasoning.pointer("/reasoningText/text").and_then(Json::as_str).unwrap_or_default();
                frame.delta.reasoning.push_str(text);
                self.thoughts.push(block.clone());
            }
        }
        frame.delta.finish_reason = Some(self.finish(json.get("stopReason")));
        frame.tokens = json.get("usage").and_then(tokens);
        Ok(frame)
    }

    fn progress(&self) -> Progress {
        self.progress
    }

    fn opaque(&mut self) -> Option<Json> {
        let thoughts = std::mem::take(&mut self.thoughts);
        (!thoughts.is_empty()).then(|| json!({"bedrock": thoughts}))
    }
}
