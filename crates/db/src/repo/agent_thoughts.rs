//! What agents thought and did. Written by the journal, together with their message.

use ox_types::{MessageId, boxed};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

use crate::{
    Result, Source,
    entity::message_agent_thoughts::{Column, Entity},
    model::AgentThought,
};

/// The rounds of several messages, each message's in their order.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn of_messages(source: &dyn Source, ids: &[MessageId]) -> Result<Vec<AgentThought>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let rows = Entity::find()
        .filter(Column::MessageId.is_in(ids.iter().map(|id| id.0)))
        .order_by_asc(Column::Position)
        .order_by_asc(Column::Id)
        .all(&source.executor())
        .await?;
    Ok(rows.into_iter().map(AgentThought::from).collect())
}
