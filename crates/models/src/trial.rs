//! Trying credentials: something small is asked.

use std::time::{Duration, Instant};

use futures::StreamExt;
use serde_json::{Map, json};

use crate::{
    Call, CallLimits, ChatRequest, ChatStream, CompletionRequest, EmbeddingRequest, Message, ModelError, ModelKind,
    ModelMode, ModerationRequest, Provider, RerankRequest, SpeechRequest, Tally,
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
    // As apps ask, where somebody wants to know how soon the first words come.
    let stream = call.tally.is_some();
    let ping = || vec!["ping".to_owned()];
    match kind {
        ModelKind::TextEmbedding => {
            let request = EmbeddingRequest { model, texts: ping(), ..EmbeddingRequest::default() };
            provider.embedding_model().ok_or_else(unsupported)?.embed(call, request).await.map(|_| ())
        }
        ModelKind::Llm if described.mode() == ModelMode::Completion => {
            let request =
                CompletionRequest { model, prompt: "ping".into(), parameters, stream, ..CompletionRequest::default() };
            let started = Instant::now();
            let answer = provider.completion_model().ok_or_else(unsupported)?.complete(call, request).await?;
            listen(answer, call.tally, started).await
        }
        ModelKind::Llm => {
            let messages = vec![Message::user("ping")];
            let request = ChatRequest { model, messages, parameters, stream, ..ChatRequest::default() };
            let started = Instant::now();
            let answer = provider.chat_model().ok_or_else(unsupported)?.chat(call, request).await?;
            listen(answer, call.tally, started).await
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

/// Hears an answer to its end where somebody wants to know when it began.
async fn listen(mut answer: ChatStream, tally: Option<&Tally>, started: Instant) -> Result<(), ModelError> {
    let Some(tally) = tally else { return Ok(()) };
    while let Some(delta) = answer.next().await {
        let delta = delta?;
        if !delta.text.is_empty() || !delta.reasoning.is_empty() {
            tally.heard(started.elapsed());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ChatDelta, ErrorClass};

    fn piece(text: &str, reasoning: &str) -> Result<ChatDelta, ModelError> {
        Ok(ChatDelta { text: text.to_owned(), reasoning: reasoning.to_owned(), ..ChatDelta::default() })
    }

    #[tokio::test]
    async fn the_first_words_of_a_trial_are_timed() {
        for (pieces, is_timed) in [
            (vec![piece("", ""), piece("po", ""), piece("ng", "")], true),
            (vec![piece("", "hm")], true),
            (vec![piece("", "")], false),
        ] {
            let tally = Tally::default();
            let answer: ChatStream = futures::stream::iter(pieces).boxed();
            listen(answer, Some(&tally), Instant::now()).await.unwrap();
            assert_eq!(tally.first_token().is_some(), is_timed);
        }
        // What breaks on the way has not worked, if somebody listens.
        let broken = || vec![piece("po", ""), Err(ModelError::new(ErrorClass::Overloaded, "test", "down"))];
        let answer = || -> ChatStream { futures::stream::iter(broken()).boxed() };
        assert!(listen(answer(), Some(&Tally::default()), Instant::now()).await.is_err());
        assert!(listen(answer(), None, Instant::now()).await.is_ok());
    }
}
