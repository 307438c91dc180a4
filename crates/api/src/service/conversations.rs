//! Conversations of one user of the app.

use axum::{
    Json,
    extract::{RawQuery, State},
    http::{HeaderMap, StatusCode},
    response::Response,
};
use ox_app::{
    AppCaller, Error,
    conversations::{self, ListConversations, SortBy, VariableView},
    model,
};
use ox_types::ConversationId;
use serde::Serialize;
use serde_json::Map;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    App, KeyApp, docs,
    fields::{Fields, from_query, user_of},
    once,
};
use crate::{
    ApiResult,
    error::ErrorBody,
    extract::{Body, Path},
};

/// A conversation.
#[derive(Serialize, ToSchema)]
pub struct ConversationBody {
    pub id: Uuid,
    pub name: String,
    pub inputs: serde_json::Value,
    pub status: String,
    pub introduction: String,
    pub created_at: i64,
    pub updated_at: i64,
}

impl From<model::Conversation> for ConversationBody {
    fn from(row: model::Conversation) -> Self {
        Self {
            id: row.id.0,
            name: row.name,
            inputs: row.inputs,
            status: row.status,
            introduction: row.introduction.unwrap_or_default(),
            created_at: row.created_at.timestamp(),
            updated_at: row.updated_at.timestamp(),
        }
    }
}

/// A page of conversations.
#[derive(Serialize, ToSchema)]
pub struct ConversationPage {
    pub limit: u64,
    pub has_more: bool,
    pub data: Vec<ConversationBody>,
}

/// A variable of a conversation; its value is a text.
#[derive(Serialize, ToSchema)]
pub struct VariableItem {
    pub id: Uuid,
    pub name: String,
    pub value_type: String,
    pub value: Option<String>,
    pub description: String,
    pub created_at: i64,
    pub updated_at: i64,
}

impl From<VariableView> for VariableItem {
    fn from(view: VariableView) -> Self {
        let VariableView { id, name, value_type, value, description, created_at, updated_at } = view;
        Self { id, name, value_type, value, description, created_at, updated_at }
    }
}

/// A page of variables.
#[derive(Serialize, ToSchema)]
pub struct VariablePage {
    pub limit: u64,
    pub has_more: bool,
    pub data: Vec<VariableItem>,
}

/// Reads the query of a list of conversations.
pub(crate) fn list_query(fields: &mut Fields) -> ListConversations {
    const SORTS: [&str; 4] = ["created_at", "-created_at", "updated_at", "-updated_at"];
    let sort = fields.optional_word("sort_by", &SORTS).unwrap_or_else(|| "-updated_at".to_owned());
    let pinned = fields.optional_word("pinned", &["true", "false", "True", "False"]);
    ListConversations {
        last_id: fields.optional_uuid("last_id"),
        limit: fields.number("limit", 20, 1, 100),
        sort_by: if sort.ends_with("created_at") { SortBy::CreatedAt } else { SortBy::UpdatedAt },
        descending: sort.starts_with('-'),
        pinned: pinned.map(|pinned| pinned.eq_ignore_ascii_case("true")),
    }
}

/// List conversations, newest change first.
#[utoipa::path(get, path = "/conversations", tag = "Conversations", security(("app_key" = [])),
    params(("user" = Option<String>, Query), ("last_id" = Option<String>, Query), ("limit" = Option<u64>, Query),
        ("sort_by" = Option<String>, Query)),
    responses((status = 200, body = ConversationPage), (status = 404, body = ErrorBody)))]
pub async fn list(
    State(services): App,
    KeyApp(app): KeyApp,
    RawQuery(query): RawQuery,
) -> ApiResult<Json<ConversationPage>> {
    ox_app::require_chat(app.mode)?;
    let mut fields = from_query("ConversationListQuery", query.as_deref());
    let user = fields.optional_text("user");
    let ask = ListConversations { pinned: None, ..list_query(&mut fields) };
    fields.finish()?;
    let caller = AppCaller::service(&services, app, user.as_deref()).await?;
    let page = conversations::list(&services, &caller, ask).await?;
    Ok(Json(ConversationPage {
        limit: ask.limit,
        has_more: page.has_more,
        data: page.items.into_iter().map(Into::into).collect(),
    }))
}

/// Delete a conversation with its messages.
#[utoipa::path(delete, path = "/conversations/{conversation_id}", tag = "Conversations", security(("app_key" = [])),
    params(("conversation_id" = Uuid, Path)), request_body = docs::OptionalUserBody,
    responses((status = 204), (status = 404, body = ErrorBody)))]
pub async fn delete(
    State(services): App,
    KeyApp(app): KeyApp,
    Path(id): Path<Uuid>,
    Body(map): Body<Map<String, serde_json::Value>>,
) -> ApiResult<StatusCode> {
    ox_app::require_chat(app.mode)?;
    let caller = AppCaller::service(&services, app, user_of(&map).as_deref()).await?;
    conversations::delete(&services, &caller, ConversationId(id)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Reads the body of a renaming: the name, or none for a generated one.
pub(crate) fn name_of(map: Map<String, serde_json::Value>) -> Result<Option<String>, Error> {
    let mut fields = Fields::new("ConversationRenamePayload", map);
    let name = fields.optional_text("name").filter(|name| !name.trim().is_empty());
    let auto_generate = fields.flag("auto_generate", false);
    if !auto_generate && name.is_none() {
        fields.problem("name", "Value error, name is required when auto_generate is false [type=value_error]");
    }
    fields.finish()?;
    Ok(if auto_generate { None } else { name })
}

/// Rename a conversation.
#[utoipa::path(post, path = "/conversations/{conversation_id}/name", tag = "Conversations", security(("app_key" = [])),
    params(("conversation_id" = Uuid, Path)), request_body = docs::NameBody,
    responses((status = 200, body = ConversationBody), (status = 404, body = ErrorBody)))]
pub async fn rename(
    State(services): App,
    KeyApp(app): KeyApp,
    Path(id): Path<Uuid>,
    headers: HeaderMap,
    Body(map): Body<Map<String, serde_json::Value>>,
) -> ApiResult<Response> {
    ox_app::require_chat(app.mode)?;
    let user = user_of(&map);
    let said = once::Said::new("name").text(&id.to_string()).json(&map);
    let name = name_of(map)?;
    let caller = AppCaller::service(&services, app, user.as_deref()).await?;
    let rename = async {
        Ok(ConversationBody::from(conversations::rename(&services, &caller, ConversationId(id), name).await?))
    };
    once::answer(&services, &caller, &headers, StatusCode::OK, said, rename).await
}

/// List the variables of a conversation.
#[utoipa::path(get, path = "/conversations/{conversation_id}/variables", tag = "Conversations",
    security(("app_key" = [])),
    params(("conversation_id" = Uuid, Path), ("user" = Option<String>, Query), ("last_id" = Option<String>, Query),
        ("limit" = Option<u64>, Query), ("variable_name" = Option<String>, Query)),
    responses((status = 200, body = VariablePage), (status = 404, body = ErrorBody)))]
pub async fn variables(
    State(services): App,
    KeyApp(app): KeyApp,
    Path(id): Path<Uuid>,
    RawQuery(query): RawQuery,
) -> ApiResult<Json<VariablePage>> {
    ox_app::require_chat(app.mode)?;
    let mut fields = from_query("ConversationVariablesQuery", query.as_deref());
    let user = fields.optional_text("user");
    let last_id = fields.optional_uuid("last_id");
    let limit = fields.number("limit", 20, 1, 100);
    let name = fields.optional_text("variable_name");
    let is_name = |name: &str| {
        (1..=255).contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
    };
    if name.as_deref().is_some_and(|name| !is_name(name)) {
        let reason = "Value error, Variable name can only contain letters, numbers, hyphens, underscores, and periods";
        fields.problem("variable_name", &format!("{reason} [type=value_error]"));
    }
    fields.finish()?;
    let caller = AppCaller::service(&services, app, user.as_deref()).await?;
    let page =
        conversations::variables(&services, &caller, ConversationId(id), last_id, limit, name.as_deref()).await?;
    let data = page.items.into_iter().map(Into::into).collect();
    Ok(Json(VariablePage { limit, has_more: page.has_more, data }))
}

/// Change a variable of a conversation.
#[utoipa::path(put, path = "/conversations/{conversation_id}/variables/{variable_id}", tag = "Conversations",
    security(("app_key" = [])), params(("conversation_id" = Uuid, Path), ("variable_id" = Uuid, Path)),
    request_body = docs::VariableBody,
    responses((status = 200, body = VariableItem), (status = 404, body = ErrorBody)))]
pub async fn set_variable(
    State(services): App,
    KeyApp(app): KeyApp,
    Path((id, variable_id)): Path<(Uuid, Uuid)>,
    Body(map): Body<Map<String, serde_json::Value>>,
) -> ApiResult<Json<VariableItem>> {
    ox_app::require_chat(app.mode)?;
    let user = user_of(&map);
    let mut fields = Fields::new("ConversationVariableUpdatePayload", map);
    let value = fields.value("value");
    fields.finish()?;
    let caller = AppCaller::service(&services, app, user.as_deref()).await?;
    let view = conversations::set_variable(&services, &caller, ConversationId(id), variable_id, &value).await?;
    Ok(Json(view.into()))
}
