//! Small jobs for the workspace's default model: conversation names and follow-up questions.

use std::time::Duration;

use ox_db::{model::Message as Stored, repo};
use ox_models::{ChatRequest, ChatResult, Message, ModelKind, ModelRef, ModelRuntime as _, ModelScope};
use ox_types::{AppId, ConversationId, TenantId, boxed};

use super::naming;
use crate::{AppCaller, Error, Result, Services};

/// A small job must not keep a caller waiting.
const TIME_LIMIT: Duration = Duration::from_secs(30);
/// Rounds from which follow-up questions are made.
const ROUNDS: u64 = 3;
/// Characters of them (about 3000 tokens).
const MAX_HISTORY: usize = 10_000;

/// A title for a conversation that begins with this question; `None` when no model gives one.
#[boxed]
pub async fn title(services: &Services, tenant: TenantId, app: AppId, query: &str) -> Option<String> {
    if query.trim().is_empty() || only_scripted(services, tenant).await {
        return None;
    }
    match ask(services, tenant, app, naming::name_prompt(query)).await {
        Ok(answer) => naming::name_from(&answer?),
        Err(error) => {
            tracing::info!(%error, "no title for a conversation");
            None
        }
    }
}

/// Nobody chose a model and the scripted one stands in: it would answer with the request itself.
async fn only_scripted(services: &Services, tenant: TenantId) -> bool {
    let Ok(workspace) = services.models.workspace(tenant).await else { return true };
    if workspace.default_model(ModelKind::Llm).is_some() {
        return false;
    }
    let model = crate::providers::default_model(services, tenant, ModelKind::Llm).await;
    model.is_ok_and(|model| model.is_some_and(|model| model.provider == ox_models::SCRIPTED))
}

/// Questions that may follow a message.
///
/// # Errors
/// 500 when the model cannot be asked, as upstream answers here.
#[boxed]
pub async fn suggestions(services: &Services, caller: &AppCaller, message: &Stored) -> Result<Vec<String>> {
    let before = repo::messages::list(&services.db, message.conversation_id, None, ROUNDS).await?;
    let mut rounds: Vec<String> =
        before.items.iter().map(|message| format!("Human: {}\nAssistant: {}", message.query, message.answer)).collect();
    rounds.reverse();
    let text = rounds.join("\n");
    let start = text.char_indices().rev().nth(MAX_HISTORY).map_or(0, |(index, _)| index);
    let prompt = naming::suggestions_prompt(text.get(start..).unwrap_or_default());
    let answer = ask(services, caller.tenant_id(), caller.app.app.id, prompt).await.map_err(Error::internal)?;
    Ok(answer.map(|answer| naming::suggestions_from(&answer)).unwrap_or_default())
}

/// Asks the default model; `Ok(None)` when the workspace has none.
async fn ask(
    services: &Services,
    tenant: TenantId,
    app: AppId,
    prompt: String,
) -> Result<Option<String>, Box<dyn std::error::Error + Send + Sync>> {
    let Some(model) = crate::providers::default_model(services, tenant, ModelKind::Llm).await? else { return Ok(None) };
    let model = ModelRef { provider: model.provider, name: model.name, mode: model.mode };
    let scope = ModelScope { app_id: Some(app), ..ModelScope::of(tenant) };
    let mut request = ChatRequest { messages: vec![Message::user(prompt)], stream: false, ..ChatRequest::default() };
    request.parameters.insert("max_tokens".to_owned(), 200.into());
    let answer = async {
        let stream = services.models.chat(&scope, &model, request).await?;
        ChatResult::collect(stream).await
    };
    Ok(Some(tokio::time::timeout(TIME_LIMIT, answer).await??.text))
}

/// Gives a new conversation a name in the background, unless its user has given one meanwhile.
#[boxed]
pub async fn name_conversation(
    services: &Services,
    tenant: TenantId,
    app: AppId,
    id: ConversationId,
    query: &str,
) -> Result<()> {
    let name = title(services, tenant, app, query).await.unwrap_or_else(|| naming::fallback_name(query));
    let first = naming::initial_name(query);
    if name.is_empty() || name == first {
        return Ok(());
    }
    let tx = services.db.begin().await?;
    repo::conversations::rename_from(&tx, app, id, &first, &name).await?;
    Ok(tx.commit().await?)
}
