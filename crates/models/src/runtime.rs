//! The port through which everything above asks models.

use std::sync::Arc;

use async_trait::async_trait;
use ox_types::{AppId, GatewayKeyId, RunId, TenantId};

use crate::{
    ChatRequest, ChatStream, CompletionRequest, EmbeddingRequest, EmbeddingResult, ErrorClass, Message, ModelError,
    ModelKind, ModelMode, ModelSpec, ModerationRequest, Ranked, RerankRequest, SpeechRequest, SpeechStream, ToolSpec,
    TranscriptionRequest,
};

/// For whom a model is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelScope {
    pub tenant_id: TenantId,
    pub app_id: Option<AppId>,
    /// Account or end user id.
    pub user: Option<String>,
    /// The run and the node that ask, for the log.
    pub run_id: Option<RunId>,
    pub node_id: Option<String>,
    /// The key of the model gateway by which somebody outside asks.
    pub key_id: Option<GatewayKeyId>,
    pub cache: CacheWish,
}

/// What a caller wishes of answers that are kept, where they are at all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CacheWish {
    #[default]
    AsSet,
    /// The model is asked, and its answer is not kept.
    Never,
    /// Whatever the temperature is.
    Always,
}

impl ModelScope {
    /// A workspace that asks for itself.
    #[must_use]
    pub const fn of(tenant_id: TenantId) -> Self {
        Self { tenant_id, app_id: None, user: None, run_id: None, node_id: None, key_id: None, cache: CacheWish::AsSet }
    }
}

/// Which model, as applications name it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ModelRef {
    /// Any spelling of a provider id (`openai`, `langgenius/openai/openai`).
    pub provider: String,
    pub name: String,
    pub mode: ModelMode,
}

impl ModelRef {
    /// A chat model.
    #[must_use]
    pub fn chat(provider: impl Into<String>, name: impl Into<String>) -> Self {
        Self { provider: provider.into(), name: name.into(), mode: ModelMode::Chat }
    }
}

/// Asks models: finds the provider and its credentials, calls it, counts and prices.
///
/// The `model` inside a request is set from the [`ModelRef`]; parameters are checked against the model's rules.
#[async_trait]
pub trait ModelRuntime: Send + Sync {
    /// Asks a chat model. The stream's last piece carries the usage.
    async fn chat(&self, scope: &ModelScope, model: &ModelRef, request: ChatRequest) -> Result<ChatStream, ModelError>;

    /// Asks a model that continues a text. The answer has the shape of a chat answer.
    async fn completion(
        &self,
        scope: &ModelScope,
        model: &ModelRef,
        request: CompletionRequest,
    ) -> Result<ChatStream, ModelError>;

    /// Embeds texts.
    async fn embed(
        &self,
        scope: &ModelScope,
        model: &ModelRef,
        request: EmbeddingRequest,
    ) -> Result<EmbeddingResult, ModelError>;

    /// Orders documents by how well they answer a query, best first.
    async fn rerank(
        &self,
        scope: &ModelScope,
        model: &ModelRef,
        request: RerankRequest,
    ) -> Result<Vec<Ranked>, ModelError>;

    /// Whether one of the texts should not be said.
    async fn moderate(
        &self,
        _scope: &ModelScope,
        model: &ModelRef,
        _request: ModerationRequest,
    ) -> Result<bool, ModelError> {
        let text = "moderation is not supported here".to_owned();
        Err(ModelError::new(ErrorClass::Unsupported, &model.provider, text))
    }

    /// The words of a recording.
    async fn transcribe(
        &self,
        _scope: &ModelScope,
        model: &ModelRef,
        _request: TranscriptionRequest,
    ) -> Result<String, ModelError> {
        let text = "speech to text is not supported here".to_owned();
        Err(ModelError::new(ErrorClass::Unsupported, &model.provider, text))
    }

    /// A text as speech.
    async fn speak(
        &self,
        _scope: &ModelScope,
        model: &ModelRef,
        _request: SpeechRequest,
    ) -> Result<SpeechStream, ModelError> {
        let text = "text to speech is not supported here".to_owned();
        Err(ModelError::new(ErrorClass::Unsupported, &model.provider, text))
    }

    /// What is known of a model; `None` when the provider or the model is not available here.
    async fn describe(&self, scope: &ModelScope, model: &ModelRef, kind: ModelKind) -> Option<Arc<ModelSpec>>;

    /// Tokens of a prompt: exact for the models whose encoding we have, else an estimate.
    fn count_tokens(&self, model: &ModelRef, messages: &[Message], tools: &[ToolSpec]) -> u64;
}
