//! What was said before a conversation began here, as its caller told it.

use ox_types::{AppId, ConversationId, Json, boxed};
use sea_orm::EntityTrait;

use super::row;
use crate::{
    Result, Source, Tx,
    entity::{
        JsonText,
        given_histories::{Entity, Model},
    },
    now,
};

/// Keeps the rounds with which a conversation begins.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn insert(tx: &Tx, app: AppId, conversation: ConversationId, rounds: Json) -> Result<()> {
    let row = Model { conversation_id: conversation.0, app_id: app.0, rounds: JsonText(rounds), created_at: now() };
    row::insert::<Entity>(tx, row).await
}

/// The rounds with which a conversation began.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn find(source: &dyn Source, conversation: ConversationId) -> Result<Option<Json>> {
    let row = Entity::find_by_id(conversation.0).one(&source.executor()).await?;
    Ok(row.map(|row| row.rounds.0))
}
