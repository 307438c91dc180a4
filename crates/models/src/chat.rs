//! What a chat model is asked and what it answers, in no vendor's words.

use ox_types::boxed;
use std::pin::Pin;

use futures::{Stream, StreamExt};
use ox_types::Json;
use serde::{Deserialize, Serialize};

use crate::{ModelError, Usage};

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    System,
    User,
    Assistant,
    Tool,
}

impl Role {
    /// The wire name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::User => "user",
            Self::Assistant => "assistant",
            Self::Tool => "tool",
        }
    }
}

/// Where the bytes of a media part are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MediaSource {
    /// The provider fetches it.
    Url(String),
    /// Base64 text, sent with the request.
    Base64(String),
}

/// An image, sound, film or document in a message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Media {
    pub source: MediaSource,
    pub mime: String,
    #[serde(default)]
    pub filename: Option<String>,
    /// Images: `low`, `high` or `auto`.
    #[serde(default)]
    pub detail: Option<String>,
}

impl Media {
    /// The URL, or a `data:` URL of the inline bytes.
    #[must_use]
    pub fn as_url(&self) -> String {
        match &self.source {
            MediaSource::Url(url) => url.clone(),
            MediaSource::Base64(data) => format!("data:{};base64,{data}", self.mime),
        }
    }
}

/// One part of a message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ContentPart {
    Text { text: String },
    Image(Media),
    Audio(Media),
    Video(Media),
    Document(Media),
}

impl ContentPart {
    /// A text part.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text { text: text.into() }
    }
}

/// A call of a tool that the model asks for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ToolCall {
    pub id: String,
    pub name: String,
    /// JSON text as the model wrote it: it may be broken.
    pub arguments: String,
}

/// One message of a conversation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Message {
    pub role: Role,
    #[serde(default)]
    pub content: Vec<ContentPart>,
    /// Assistant: the calls it made.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tool_calls: Vec<ToolCall>,
    /// Tool: which call this answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_call_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Assistant: reasoning that some providers want back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reasoning: Option<String>,
    /// What a provider gave with its answer and must get back unchanged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opaque: Option<Json>,
}

impl Message {
    /// A message of parts.
    #[must_use]
    pub const fn new(role: Role, content: Vec<ContentPart>) -> Self {
        Self { role, content, tool_calls: Vec::new(), tool_call_id: None, name: None, reasoning: None, opaque: None }
    }

    /// A message of one text.
    #[must_use]
    pub fn text(role: Role, text: impl Into<String>) -> Self {
        Self::new(role, vec![ContentPart::text(text)])
    }

    /// A system message.
    #[must_use]
    pub fn system(text: impl Into<String>) -> Self {
        Self::text(Role::System, text)
    }

    /// A user message.
    #[must_use]
    pub fn user(text: impl Into<String>) -> Self {
        Self::text(Role::User, text)
    }

    /// An assistant message.
    #[must_use]
    pub fn assistant(text: impl Into<String>) -> Self {
        Self::text(Role::Assistant, text)
    }

    /// The result of a tool call.
    #[must_use]
    pub fn tool(call_id: impl Into<String>, text: impl Into<String>) -> Self {
        Self { tool_call_id: Some(call_id.into()), ..Self::text(Role::Tool, text) }
    }

    /// All its text parts, joined by newlines.
    #[must_use]
    pub fn plain_text(&self) -> String {
        let texts: Vec<&str> = self
            .content
            .iter()
            .filter_map(|part| match part {
                ContentPart::Text { text } => Some(text.as_str()),
                _ => None,
            })
            .collect();
        texts.join("\n")
    }
}

/// A function the model may call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ToolSpec {
    pub name: String,
    pub description: String,
    /// JSON schema of the arguments.
    pub parameters: Json,
}

/// Whether the model must call a tool.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToolChoice {
    #[default]
    Auto,
    None,
    Required,
    Named(String),
}

/// The form the answer must have.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ResponseFormat {
    Text,
    JsonObject,
    JsonSchema { name: String, schema: Json, strict: Option<bool> },
}

/// One question to a chat model.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ChatRequest {
    /// The provider's name of the model.
    pub model: String,
    pub messages: Vec<Message>,
    pub tools: Vec<ToolSpec>,
    pub tool_choice: ToolChoice,
    pub response_format: Option<ResponseFormat>,
    /// Completion parameters as configured (`temperature`, `max_tokens`, `response_format`, …).
    pub parameters: serde_json::Map<String, Json>,
    pub stop: Vec<String>,
    pub user: Option<String>,
    /// Ask the provider to stream. The answer is a stream either way.
    pub stream: bool,
}

/// One text to continue, for the models that do not chat.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CompletionRequest {
    pub model: String,
    pub prompt: String,
    pub parameters: serde_json::Map<String, Json>,
    pub stop: Vec<String>,
    pub user: Option<String>,
    pub stream: bool,
}

/// Why something is embedded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EmbeddingInput {
    #[default]
    Document,
    Query,
}

/// Texts and pictures to embed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EmbeddingRequest {
    pub model: String,
    pub texts: Vec<String>,
    /// For models that see; the others refuse.
    pub pictures: Vec<Media>,
    pub input: EmbeddingInput,
    pub user: Option<String>,
}

/// One vector for each text, then one for each picture, in the order asked.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EmbeddingResult {
    pub embeddings: Vec<Vec<f32>>,
    pub usage: Usage,
}

/// Texts to be judged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ModerationRequest {
    pub model: String,
    pub texts: Vec<String>,
}

/// Documents to order by how well they answer a query.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RerankRequest {
    pub model: String,
    pub query: String,
    pub documents: Vec<String>,
    pub score_threshold: Option<f64>,
    pub top_n: Option<usize>,
}

/// One document of a rerank answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Ranked {
    /// Position in the request.
    pub index: usize,
    pub score: f64,
}

/// A piece of a tool call. Fragments of one call share an index.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ToolCallDelta {
    pub index: usize,
    pub id: Option<String>,
    pub name: Option<String>,
    pub arguments: String,
}

/// One piece of an answer. A piece may be empty but for its usage or finish reason.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ChatDelta {
    pub text: String,
    pub reasoning: String,
    pub tool_calls: Vec<ToolCallDelta>,
    pub finish_reason: Option<String>,
    /// On the last piece, always: counted by us when the provider does not tell.
    pub usage: Option<Usage>,
    pub opaque: Option<Json>,
}

/// The pieces of an answer as they arrive. Dropping it cancels the call.
pub type ChatStream = Pin<Box<dyn Stream<Item = Result<ChatDelta, ModelError>> + Send>>;

/// A whole answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ChatResult {
    pub text: String,
    pub reasoning: String,
    pub tool_calls: Vec<ToolCall>,
    pub finish_reason: Option<String>,
    pub usage: Usage,
    pub opaque: Option<Json>,
}

impl ChatResult {
    /// Adds one piece.
    pub fn push(&mut self, delta: ChatDelta) {
        self.text.push_str(&delta.text);
        self.reasoning.push_str(&delta.reasoning);
        for fragment in delta.tool_calls {
            // A broken provider must not make us allocate by its index.
            if fragment.index > 255 {
                continue;
            }
            while self.tool_calls.len() <= fragment.index {
                self.tool_calls.push(ToolCall::default());
            }
            let Some(call) = self.tool_calls.get_mut(fragment.index) else { continue };
            if let Some(id) = fragment.id.filter(|id| !id.is_empty()) {
                call.id = id;
            }
            if let Some(name) = fragment.name {
                call.name.push_str(&name);
            }
            call.arguments.push_str(&fragment.arguments);
        }
        if delta.finish_reason.is_some() {
            self.finish_reason = delta.finish_reason;
        }
        if let Some(usage) = delta.usage {
            self.usage = usage;
        }
        if delta.opaque.is_some() {
            self.opaque = delta.opaque;
        }
    }

    /// Reads a stream to its end.
    ///
    /// # Errors
    /// The first error of the stream.
    #[boxed]
    pub async fn collect(mut stream: ChatStream) -> Result<Self, ModelError> {
        let mut result = Self::default();
        while let Some(delta) = stream.next().await {
            result.push(delta?);
        }
        Ok(result)
    }
}
