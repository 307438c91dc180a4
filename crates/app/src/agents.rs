//! Agents as the editor sees them: the strategies there are, and what an agent did for an answer.

use ox_db::repo;
use ox_types::{AppId, ConversationId, Json, MessageId, boxed};

use crate::{
    Error, Principal, Result, Services, apps,
    logs::{self, MessageRow},
    principal::Permission,
};

/// Providers of strategies, as the editor lists them.
#[must_use]
pub fn providers() -> Vec<Json> {
    ox_agents::declarations()
}

/// One of them.
///
/// # Errors
/// 404 when there is none of this id.
pub fn provider(id: &str) -> Result<Json> {
    let found = ox_agents::declared_provider(id);
    found.ok_or_else(|| Error::not_found(format!("There is no provider of agent strategies {id}.")))
}

/// What an agent did for an answer.
pub struct AgentLog {
    pub row: MessageRow,
    /// Who asked.
    pub executor: String,
    /// `function_call` or `react`, as the app is configured.
    pub mode: String,
}

/// The rounds of a message.
///
/// # Errors
/// 404 when there is no such app or message.
#[boxed]
pub async fn log(
    services: &Services,
    principal: &Principal,
    app: AppId,
    conversation: ConversationId,
    message: MessageId,
) -> Result<AgentLog> {
    principal.require(Permission::LogView)?;
    let app = apps::find(services, principal, app).await?;
    let row = logs::message(services, principal, app.id, message).await?;
    if row.message.conversation_id != conversation {
        return Err(Error::not_found("Message Not Exists."));
    }
    let talk = repo::conversations::find(&services.db, app.id, conversation).await?;
    let config = talk.and_then(|talk| talk.app_model_config_id).or(app.app_model_config_id);
    let config = match config {
        Some(id) => services.runs.published.config(id).await?,
        None => None,
    };
    let strategy = config.as_ref().and_then(|config| config.agent_mode.as_ref()?.get("strategy")?.as_str());
    let mode = match strategy {
        Some("function_call" | "function_calling") | None => "function_call",
        Some("cot" | "react") => "react",
        Some(other) => other,
    };
    let executor = match (row.message.from_account_id, row.message.from_end_user_id) {
        (Some(account), _) => services.people(&[account]).await?.remove(&account).map(|account| account.name),
        (None, Some(user)) => {
            repo::end_users::find(&services.db, app.tenant_id, app.id, user).await?.map(|user| user.session_id)
        }
        (None, None) => None,
    };
    Ok(AgentLog { executor: executor.unwrap_or_else(|| "Unknown".to_owned()), mode: mode.to_owned(), row })
}
