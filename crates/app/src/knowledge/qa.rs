//! Questions and answers of a chunk, made by the workspace's model.

use std::time::Duration;

use futures::{StreamExt as _, stream};
use ox_db::model::Segment;
use ox_models::{ChatRequest, ChatResult, Message, ModelKind, ModelRuntime as _, ModelScope};
use ox_types::TenantId;
use serde_json::json;

use crate::{Services, providers};

/// Chunks asked about at the same time.
pub(super) const AT_ONCE: usize = 10;
/// How long one answer may take.
const LIMIT: Duration = Duration::from_secs(180);

/// The pairs of each chunk, in their order, or why there are none.
pub(super) async fn ask_all(
    services: &Services,
    tenant: TenantId,
    segments: &[Segment],
    language: &str,
) -> Vec<Result<Vec<(String, String)>, String>> {
    let texts: Vec<String> = segments.iter().map(|segment| segment.content.clone()).collect();
    stream::iter(texts)
        .map(|text| async move { ask(services, tenant, &text, language).await })
        .buffered(AT_ONCE)
        .collect()
        .await
}

/// The pairs of a text.
pub(super) async fn ask(
    services: &Services,
    tenant: TenantId,
    text: &str,
    language: &str,
) -> Result<Vec<(String, String)>, String> {
    let model = providers::default_model(services, tenant, ModelKind::Llm).await.map_err(|error| error.message)?;
    let model = model.ok_or("There is no model to make questions with. Set up a model provider first.")?;
    let scope = ModelScope::of(tenant);
    let system = format!(
        "You turn a text into study material. Write as many question and answer pairs as the text supports, in \
         {language}. Use only what the text says; every answer must be complete without the text. Number them and \
         write nothing else, in exactly this form:\nQ1: question\nA1: answer\nQ2: question\nA2: answer"
    );
    let request = ChatRequest {
        messages: vec![Message::system(system), Message::user(text)],
        parameters: [("temperature".to_owned(), json!(0.01)), ("max_tokens".to_owned(), json!(2000))]
            .into_iter()
            .collect(),
        ..ChatRequest::default()
    };
    let answer = async {
        let stream = services.models.chat(&scope, &model, request).await.map_err(|error| error.to_string())?;
        ChatResult::collect(stream).await.map_err(|error| error.to_string())
    };
    let answer = tokio::time::timeout(LIMIT, answer)
        .await
        .map_err(|_| format!("The model did not answer within {} seconds.", LIMIT.as_secs()))??;
    let pairs = ox_rag::qa_pairs(&answer.text);
    if pairs.is_empty() { Err("The model's answer held no questions.".into()) } else { Ok(pairs) }
}
