//! Conversations of one user of an app: list, name, pin, delete, variables.

use ox_db::{
    PageOf,
    model::{Conversation, ConversationVariable, PinnedConversation},
    now,
    repo::{self, conversations::Filter},
};
use ox_types::{ConversationId, Json, Value, ValueType, boxed};
use uuid::Uuid;

pub use ox_db::repo::conversations::SortBy;

use crate::{AppCaller, Error, Result, Services, chat::naming};

/// Which conversations, in which order.
#[derive(Clone, Copy, Debug)]
pub struct ListConversations {
    pub last_id: Option<Uuid>,
    pub limit: u64,
    pub sort_by: SortBy,
    pub descending: bool,
    pub pinned: Option<bool>,
}

/// A variable as callers see it: its value is a text.
#[derive(Clone, Debug, PartialEq)]
pub struct VariableView {
    pub id: Uuid,
    pub name: String,
    pub value_type: String,
    pub value: Option<String>,
    pub description: String,
    pub created_at: i64,
    pub updated_at: i64,
}

fn missing() -> Error {
    Error::not_found("Conversation Not Exists.")
}

/// A page of the caller's conversations.
///
/// # Errors
/// 404 when `last_id` is not one of them.
#[boxed]
pub async fn list(services: &Services, caller: &AppCaller, ask: ListConversations) -> Result<PageOf<Conversation>> {
    caller.require_chat()?;
    let last = match ask.last_id {
        None => None,
        Some(id) => {
            let found = find_quietly(services, caller, ConversationId(id)).await?;
            Some(found.ok_or_else(|| Error::not_found("Last Conversation Not Exists."))?)
        }
    };
    let filter = Filter {
        app_id: caller.app.app.id,
        owner: caller.owner(),
        invoke_from: Some(caller.invoke_from.as_str()),
        pinned: ask.pinned,
        sort_by: ask.sort_by,
        descending: ask.descending,
        limit: ask.limit,
    };
    Ok(repo::conversations::list(&services.db, &filter, last.as_ref()).await?)
}

async fn find_quietly(services: &Services, caller: &AppCaller, id: ConversationId) -> Result<Option<Conversation>> {
    Ok(repo::conversations::find_of(&services.db, caller.app.app.id, caller.owner(), id).await?)
}

/// One of the caller's conversations, or 404.
///
/// # Errors
/// 404 when it is not the caller's.
#[boxed]
pub async fn find(services: &Services, caller: &AppCaller, id: ConversationId) -> Result<Conversation> {
    caller.require_chat()?;
    find_quietly(services, caller, id).await?.ok_or_else(missing)
}

/// Deletes a conversation with its messages.
///
/// # Errors
/// 404 when it is not the caller's.
#[boxed]
pub async fn delete(services: &Services, caller: &AppCaller, id: ConversationId) -> Result<()> {
    find(services, caller, id).await?;
    let tx = services.db.begin().await?;
    repo::conversations::delete(&tx, id).await?;
    Ok(tx.commit().await?)
}

/// Gives a conversation a name, or lets a model find one.
///
/// # Errors
/// 404 when it is not the caller's.
#[boxed]
pub async fn rename(
    services: &Services,
    caller: &AppCaller,
    id: ConversationId,
    name: Option<String>,
) -> Result<Conversation> {
    let mut conversation = find(services, caller, id).await?;
    conversation.name = match name {
        Some(name) => name,
        None => generated_name(services, caller, id).await?.unwrap_or(conversation.name),
    };
    conversation.updated_at = now();
    let tx = services.db.begin().await?;
    repo::conversations::rename(&tx, id, &conversation.name, Some(conversation.updated_at)).await?;
    tx.commit().await?;
    Ok(conversation)
}

/// A name from the first question; `None` for a conversation without one.
async fn generated_name(services: &Services, caller: &AppCaller, id: ConversationId) -> Result<Option<String>> {
    let Some(first) = repo::messages::first(&services.db, id).await? else { return Ok(None) };
    let name = crate::chat::titles::title(services, caller.tenant_id(), caller.app.app.id, &first.query).await;
    Ok(Some(name.unwrap_or_else(|| naming::fallback_name(&first.query))).filter(|name| !name.is_empty()))
}

/// Keeps a conversation on top of the list, or not.
///
/// # Errors
/// 404 when it is not the caller's.
#[boxed]
pub async fn set_pinned(services: &Services, caller: &AppCaller, id: ConversationId, pinned: bool) -> Result<()> {
    find(services, caller, id).await?;
    let tx = services.db.begin().await?;
    if pinned {
        let (role, user) = caller.owner().creator();
        let pin = PinnedConversation {
            id: ox_types::new_uuid(),
            app_id: caller.app.app.id,
            conversation_id: id,
            created_by_role: role.to_owned(),
            created_by: user,
            created_at: now(),
        };
        repo::conversations::pin(&tx, pin).await?;
    } else {
        repo::conversations::unpin(&tx, caller.app.app.id, id, caller.owner()).await?;
    }
    Ok(tx.commit().await?)
}

/// A page of a conversation's variables, in the order of their creation.
///
/// # Errors
/// 404 when the conversation is not the caller's; 400 for an unknown `last_id`.
#[boxed]
pub async fn variables(
    services: &Services,
    caller: &AppCaller,
    id: ConversationId,
    last_id: Option<Uuid>,
    limit: u64,
    name: Option<&str>,
) -> Result<PageOf<VariableView>> {
    find(services, caller, id).await?;
    let rows = repo::conversations::variables(&services.db, id).await?;
    let name = name.map(str::to_lowercase);
    let mut views: Vec<VariableView> = rows
        .iter()
        .map(view)
        .filter(|view| name.as_deref().is_none_or(|name| view.name.to_lowercase().contains(name)))
        .collect();
    if let Some(last) = last_id {
        let position = views.iter().position(|view| view.id == last);
        let position = position.ok_or_else(|| Error::invalid_field("last_id", "Last variable not found."))?;
        views.drain(..=position);
    }
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let has_more = views.len() > limit;
    views.truncate(limit);
    Ok(PageOf { items: views, has_more })
}

/// Sets the value of a variable; its type stays.
///
/// # Errors
/// 404 when conversation or variable is unknown; 400 when the value has another type.
#[boxed]
pub async fn set_variable(
    services: &Services,
    caller: &AppCaller,
    id: ConversationId,
    variable_id: Uuid,
    value: &Json,
) -> Result<VariableView> {
    find(services, caller, id).await?;
    let rows = repo::conversations::variables(&services.db, id).await?;
    let row = rows.into_iter().find(|row| row.id == variable_id);
    let mut row = row.ok_or_else(|| Error::not_found("Conversation Variable Not Exists."))?;
    let shown = view(&row);
    let declared = stored_type(&row).unwrap_or(ValueType::String);
    // Numbers are shown as one type, whatever they were stored as.
    let wanted = if matches!(declared, ValueType::Integer | ValueType::Float) { ValueType::Number } else { declared };
    if let Err(mismatch) = Value::typed(value, wanted) {
        let given = match mismatch.actual.as_str() {
            "integer" | "float" => "number",
            "None" => "none",
            other => other,
        };
        return Err(Error::bad_request(format!(
            "Type mismatch: variable '{}' expects {}, but got {given} type",
            shown.name, shown.value_type
        )));
    }
    if let Json::Object(data) = &mut row.data {
        data.insert("value".to_owned(), value.clone());
    }
    row.updated_at = now();
    let tx = services.db.begin().await?;
    repo::conversations::put_variables(&tx, vec![row.clone()]).await?;
    tx.commit().await?;
    Ok(view(&row))
}

fn stored_type(row: &ConversationVariable) -> Option<ValueType> {
    row.data.get("value_type").and_then(Json::as_str).and_then(ValueType::parse)
}

fn view(row: &ConversationVariable) -> VariableView {
    let text = |key: &str| row.data.get(key).and_then(Json::as_str).unwrap_or_default().to_owned();
    let value_type = match stored_type(row) {
        Some(ValueType::Integer | ValueType::Float) => "number".to_owned(),
        Some(other) => other.as_str().to_owned(),
        None => text("value_type"),
    };
    let value = match row.data.get("value") {
        None | Some(Json::Null) => None,
        Some(Json::String(text)) => Some(text.clone()),
        Some(other) => Some(other.to_string()),
    };
    VariableView {
        id: row.id,
        name: text("name"),
        value_type,
        value,
        description: text("description"),
        created_at: row.created_at.timestamp(),
        updated_at: row.updated_at.timestamp(),
    }
}
