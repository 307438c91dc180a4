//! Trying credentials: something small is asked.

use std::time::Duration;

use serde_json::{Map, json};

use crate::{
    Call, CallLimits, ChatRequest, CompletionRequest, EmbeddingRequest, Message, ModelError, ModelKind, ModelMode,
    ModerationRequest, Provider, RerankRequest, SpeechRequest,
};

/// Limits of the calls that do not ask a model.
pub fn short(limits: CallLimits) -> CallLimits {
    let cap = |limit: Duration, seconds| limit.min(Duration::from_secs(seconds));
    CallLimits { first_token: cap(limits.first_token, 30), total: cap(limits.total, 60), ..limits }
}

/// Asks a model something small.
pub async fn ask(provider: &dyn Provider, call: Call<'_>, model: &str, kind: ModelKind) -> Result<(), ModelError> {
    let described = provider.describe(model, kind, call.credentials);
    let limits = CallLimits { first_token: Duration::from_secs(60), total: Duration::from_secs(90), ..call.limits };
    let call = Call { spec: Some(&described), limits, ..call };
    let unsupported = || provider.unsupported(kind.as_str());
    let parameters = Map::from_iter([("max_tokens".to_owned(), json!(16))]);
    let model = model.to_owned();
    let ping = || vec!["ping".to_owned()];
    match kind {
        ModelKind::TextEmbedding => {
            let request = EmbeddingRequest { model, texts: ping(), ..EmbeddingRequest::default() };
            provider.embedding_model().ok_or_else(unsupported)?.embed(call, request).await.map(|_| ())
        }
        ModelKind::Llm if described.mode() == ModelMode::Completion => {
            let request =
                CompletionRequest { model, prompt: "ping".into(), parameters, ..CompletionRequest::default() };
            provider.completion_model().ok_or_else(unsupported)?.complete(call, request).await.map(|_| ())
        }
        ModelKind::Llm => {
            let messages = vec![Message::user("ping")];
            let request = ChatRequest { model, messages, parameters, ..ChatRequest::default() };
            provider.chat_model().ok_or_else(unsupported)?.chat(call, request).await.map(|_| ())
        }
        ModelKind::Rerank => {
            let request = RerankRequest { model, query: "ping".into(), documents: ping(), ..RerankRequest::default() };
            provider.rerank_model().ok_or_else(unsupported)?.rerank(call, request).await.map(|_| ())
        }
        ModelKind::Moderation => {
            let request = ModerationRequest { model, texts: ping() };
            provider.moderation_model().ok_or_else(unsupported)?.moderate(call, request).await.map(|_| ())
        }
        ModelKind::Tts => {
            let voice = described.default_voice().unwrap_or_default();
            let request = SpeechRequest { model, text: "ping".to_owned(), voice };
            provider.speech_model().ok_or_else(unsupported)?.speak(call, request).await.map(|_| ())
        }
        // Only a recording would tell; the model's name is tried with its first use.
        ModelKind::Speech2Text => provider.transcription_model().map(|_| ()).ok_or_else(unsupported),
    }
}
