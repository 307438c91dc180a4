//! What was said before a conversation began here: callers that keep the history themselves send it along.
//!
//! It is kept beside the conversation, not as messages: nobody asked for these answers here, and they count nowhere.

use ox_db::{Database, repo};
use ox_types::{AppId, ConversationId};

use super::prompt::Round;
use crate::{Error, Result, Services};

/// Keeps the history with which a conversation begins.
pub(crate) async fn keep(
    services: &Services,
    app: AppId,
    conversation: ConversationId,
    rounds: &[Round],
) -> Result<()> {
    if rounds.is_empty() {
        return Ok(());
    }
    let json = serde_json::to_value(rounds).map_err(Error::internal)?;
    let tx = services.db.begin().await?;
    repo::given_histories::insert(&tx, app, conversation, json).await?;
    Ok(tx.commit().await?)
}

/// The history with which a conversation began, oldest first.
pub(crate) async fn of(db: &Database, conversation: ConversationId) -> Result<Vec<Round>, ox_db::Error> {
    let kept = repo::given_histories::find(db, conversation).await?;
    Ok(kept.and_then(|json| serde_json::from_value(json).ok()).unwrap_or_default())
}
