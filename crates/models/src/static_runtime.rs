//! A runtime with fixed credentials: for `oxidify run` and tests, with no database.

use std::{collections::HashMap, sync::Arc};

use async_trait::async_trait;
use ox_net::Egress;
use serde_json::json;

use crate::{
    Call, CallLimits, ChatRequest, ChatStream, CompletionRequest, Credentials, EmbeddingRequest, EmbeddingResult,
    ErrorClass, Message, ModelError, ModelKind, ModelRef, ModelRuntime, ModelScope, ModelSpec, ModerationRequest,
    Provider, Ranked, Registry, RerankRequest, SpeechRequest, SpeechStream, ToolSpec, TranscriptionRequest, count,
};

/// Asks providers with credentials given once.
pub struct StaticRuntime {
    registry: Registry,
    egress: Egress,
    credentials: HashMap<String, Credentials>,
    /// Provider that stands in for one without credentials.
    fallback: Option<String>,
    limits: CallLimits,
}

impl StaticRuntime {
    /// No credentials: only what needs none can be asked (the scripted models, local servers).
    #[must_use]
    pub fn new(egress: Egress) -> Self {
        let (credentials, fallback, limits) = (HashMap::new(), None, CallLimits::default());
        Self { registry: Registry::native(), egress, credentials, fallback, limits }
    }

    /// Reads `OPENAI_API_BASE` and `OPENAI_API_KEY`, and the usual keys of the vendors with protocols of their own.
    #[must_use]
    pub fn from_env(egress: Egress, read: impl Fn(&str) -> Option<String>) -> Self {
        let value = |name: &str| read(name).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        let mut runtime = Self::new(egress);
        let (base, key) = (value("OPENAI_API_BASE"), value("OPENAI_API_KEY"));
        if base.is_some() || key.is_some() {
            let mut credentials = Credentials::new();
            credentials.extend(base.map(|base| ("openai_api_base".to_owned(), json!(base))));
            // A gateway of one's own may need no key.
            credentials.insert("openai_api_key".into(), json!(key.unwrap_or_else(|| "none".into())));
            runtime = runtime.with_credentials("openai", credentials);
        }
        for (name, provider, field) in [
            ("ANTHROPIC_API_KEY", "anthropic", "anthropic_api_key"),
            ("GEMINI_API_KEY", "gemini", "google_api_key"),
            ("COHERE_API_KEY", "cohere", "api_key"),
        ] {
            if let Some(key) = value(name) {
                runtime = runtime.with_credentials(provider, Credentials::from_iter([(field.to_owned(), json!(key))]));
            }
        }
        runtime
    }

    /// Adds credentials of a provider.
    #[must_use]
    pub fn with_credentials(mut self, provider: &str, credentials: Credentials) -> Self {
        let id = self.registry.find(provider).map_or_else(|| provider.to_owned(), |found| found.spec().id.clone());
        self.credentials.insert(id, credentials);
        self
    }

    /// Asks this provider for models of providers that have no credentials here.
    #[must_use]
    pub fn with_fallback(mut self, provider: &str) -> Self {
        self.fallback = Some(provider.to_owned());
        self
    }

    /// Replaces the providers.
    #[must_use]
    pub fn with_registry(mut self, registry: Registry) -> Self {
        self.registry = registry;
        self
    }

    /// Sets the time limits.
    #[must_use]
    pub const fn with_limits(mut self, limits: CallLimits) -> Self {
        self.limits = limits;
        self
    }

    fn provider(&self, id: &str) -> Result<(&Arc<dyn Provider>, &Credentials), ModelError> {
        static NONE: std::sync::LazyLock<Credentials> = std::sync::LazyLock::new(Credentials::new);
        let asked = self.registry.find(id);
        let usable = asked.filter(|provider| {
            let spec = provider.spec();
            self.credentials.contains_key(&spec.id) || !spec.provider_form.iter().any(|field| field.required)
        });
        let found = usable.or_else(|| self.registry.find(self.fallback.as_deref()?)).or(asked);
        let Some(provider) = found else {
            let text = "this build has no such provider".to_owned();
            return Err(ModelError::new(ErrorClass::NotFound, id, text));
        };
        let spec = provider.spec();
        match self.credentials.get(&spec.id) {
            Some(credentials) => Ok((provider, credentials)),
            None if !spec.provider_form.iter().any(|field| field.required) => Ok((provider, &NONE)),
            None => {
                let text = "no credentials here: set OPENAI_API_KEY (and OPENAI_API_BASE for a gateway), ANTHROPIC_API_KEY, GEMINI_API_KEY or COHERE_API_KEY, or use oxidify/scripted";
                Err(ModelError::new(ErrorClass::Auth, &spec.id, text))
            }
        }
    }

    fn call<'a>(&'a self, credentials: &'a Credentials, spec: &'a ModelSpec) -> Call<'a> {
        Call { egress: &self.egress, credentials, spec: Some(spec), limits: self.limits, tally: None }
    }
}

#[async_trait]
impl ModelRuntime for StaticRuntime {
    async fn chat(
        &self,
        scope: &ModelScope,
        model: &ModelRef,
        mut request: ChatRequest,
    ) -> Result<ChatStream, ModelError> {
        let (provider, credentials) = self.provider(&model.provider)?;
        let spec = provider.describe(&model.name, ModelKind::Llm, credentials);
        let id = &provider.spec().id;
        request.model.clone_from(&model.name);
        request.parameters = spec.check_parameters(id, &request.parameters)?;
        request.user = request.user.or_else(|| scope.user.clone());
        let chat = provider.chat_model().ok_or_else(|| provider.unsupported("chat"))?;
        chat.chat(self.call(credentials, &spec), request).await
    }

    async fn completion(
        &self,
        scope: &ModelScope,
        model: &ModelRef,
        mut request: CompletionRequest,
    ) -> Result<ChatStream, ModelError> {
        let (provider, credentials) = self.provider(&model.provider)?;
        let spec = provider.describe(&model.name, ModelKind::Llm, credentials);
        request.model.clone_from(&model.name);
        request.parameters = spec.check_parameters(&provider.spec().id, &request.parameters)?;
        request.user = request.user.or_else(|| scope.user.clone());
        let completion = provider.completion_model().ok_or_else(|| provider.unsupported("completion"))?;
        completion.complete(self.call(credentials, &spec), request).await
    }

    async fn embed(
        &self,
        _scope: &ModelScope,
        model: &ModelRef,
        mut request: EmbeddingRequest,
    ) -> Result<EmbeddingResult, ModelError> {
        let (provider, credentials) = self.provider(&model.provider)?;
        let spec = provider.describe(&model.name, ModelKind::TextEmbedding, credentials);
        request.model.clone_from(&model.name);
        let embedding = provider.embedder_for(&spec, &request)?;
        embedding.embed(self.call(credentials, &spec), request).await
    }

    async fn rerank(
        &self,
        _scope: &ModelScope,
        model: &ModelRef,
        mut request: RerankRequest,
    ) -> Result<Vec<Ranked>, ModelError> {
        let (provider, credentials) = self.provider(&model.provider)?;
        let spec = provider.describe(&model.name, ModelKind::Rerank, credentials);
        request.model.clone_from(&model.name);
        let rerank = provider.rerank_model().ok_or_else(|| provider.unsupported("rerank"))?;
        rerank.rerank(self.call(credentials, &spec), request).await
    }

    async fn moderate(
        &self,
        _scope: &ModelScope,
        model: &ModelRef,
        mut request: ModerationRequest,
    ) -> Result<bool, ModelError> {
        let (provider, credentials) = self.provider(&model.provider)?;
        let spec = provider.describe(&model.name, ModelKind::Moderation, credentials);
        request.model.clone_from(&model.name);
        let moderation = provider.moderation_model().ok_or_else(|| provider.unsupported("moderation"))?;
        moderation.moderate(self.call(credentials, &spec), request).await
    }

    async fn transcribe(
        &self,
        _scope: &ModelScope,
        model: &ModelRef,
        mut request: TranscriptionRequest,
    ) -> Result<String, ModelError> {
        let (provider, credentials) = self.provider(&model.provider)?;
        let spec = provider.describe(&model.name, ModelKind::Speech2Text, credentials);
        request.model.clone_from(&model.name);
        let listener = provider.transcription_model().ok_or_else(|| provider.unsupported("speech2text"))?;
        listener.transcribe(self.call(credentials, &spec), request).await
    }

    async fn speak(
        &self,
        _scope: &ModelScope,
        model: &ModelRef,
        mut request: SpeechRequest,
    ) -> Result<SpeechStream, ModelError> {
        let (provider, credentials) = self.provider(&model.provider)?;
        let spec = provider.describe(&model.name, ModelKind::Tts, credentials);
        request.model.clone_from(&model.name);
        let speaker = provider.speech_model().ok_or_else(|| provider.unsupported("tts"))?;
        speaker.speak(self.call(credentials, &spec), request).await
    }

    async fn describe(&self, _scope: &ModelScope, model: &ModelRef, kind: ModelKind) -> Option<Arc<ModelSpec>> {
        let (provider, credentials) = self.provider(&model.provider).ok()?;
        Some(Arc::new(provider.describe(&model.name, kind, credentials)))
    }

    fn count_tokens(&self, model: &ModelRef, messages: &[Message], tools: &[ToolSpec]) -> u64 {
        count::messages(&model.name, messages, tools)
    }
}
