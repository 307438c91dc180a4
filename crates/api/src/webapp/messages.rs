//! A visitor's conversations, messages, ratings and bookmarks.

use axum::{
    Json,
    extract::{RawQuery, State},
    http::StatusCode,
    response::Response,
};
use ox_app::{Error, conversations, feedback as ratings, messages};
use ox_types::{ConversationId, MessageId};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json_, json};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{App, Visitor, generate::require};
use crate::{
    ApiResult,
    error::ErrorBody,
    extract::{Body, Path},
    service::{
        ConversationBody, ConversationPage, FeedbackBody, MessagePage, NameBody, ResultBody, ask_messages, from_query,
        list_query, message_item, name_of, rating, success,
    },
};

type JsonMap = Map<String, Json_>;

/// List conversations, newest change first.
#[utoipa::path(get, path = "/conversations", tag = "Web app", security(("passport" = [])),
    params(("last_id" = Option<String>, Query), ("limit" = Option<u64>, Query), ("pinned" = Option<bool>, Query),
        ("sort_by" = Option<String>, Query)),
    responses((status = 200, body = ConversationPage), (status = 404, body = ErrorBody)))]
pub async fn conversations(
    State(services): App,
    Visitor(caller): Visitor,
    RawQuery(query): RawQuery,
) -> ApiResult<Json<ConversationPage>> {
    caller.require_chat()?;
    let mut fields = from_query("ConversationListQuery", query.as_deref());
    let ask = list_query(&mut fields);
    fields.finish()?;
    let page = conversations::list(&services, &caller, ask).await?;
    Ok(Json(ConversationPage {
        limit: ask.limit,
        has_more: page.has_more,
        data: page.items.into_iter().map(Into::into).collect(),
    }))
}

/// Delete a conversation with its messages.
#[utoipa::path(delete, path = "/conversations/{conversation_id}", tag = "Web app", security(("passport" = [])),
    params(("conversation_id" = Uuid, Path)), responses((status = 204), (status = 404, body = ErrorBody)))]
pub async fn delete(State(services): App, Visitor(caller): Visitor, Path(id): Path<Uuid>) -> ApiResult<StatusCode> {
    conversations::delete(&services, &caller, ConversationId(id)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Rename a conversation.
#[utoipa::path(post, path = "/conversations/{conversation_id}/name", tag = "Web app", security(("passport" = [])),
    params(("conversation_id" = Uuid, Path)), request_body = NameBody,
    responses((status = 200, body = ConversationBody), (status = 404, body = ErrorBody)))]
pub async fn rename(
    State(services): App,
    Visitor(caller): Visitor,
    Path(id): Path<Uuid>,
    Body(map): Body<JsonMap>,
) -> ApiResult<Json<ConversationBody>> {
    let name = name_of(map)?;
    Ok(Json(conversations::rename(&services, &caller, ConversationId(id), name).await?.into()))
}

/// Keep a conversation on top.
#[utoipa::path(patch, path = "/conversations/{conversation_id}/pin", tag = "Web app", security(("passport" = [])),
    params(("conversation_id" = Uuid, Path)),
    responses((status = 200, body = ResultBody), (status = 404, body = ErrorBody)))]
pub async fn pin(State(services): App, Visitor(caller): Visitor, Path(id): Path<Uuid>) -> ApiResult<Json<ResultBody>> {
    conversations::set_pinned(&services, &caller, ConversationId(id), true).await?;
    Ok(success())
}

/// Take a conversation from the top.
#[utoipa::path(patch, path = "/conversations/{conversation_id}/unpin", tag = "Web app", security(("passport" = [])),
    params(("conversation_id" = Uuid, Path)),
    responses((status = 200, body = ResultBody), (status = 404, body = ErrorBody)))]
pub async fn unpin(
    State(services): App,
    Visitor(caller): Visitor,
    Path(id): Path<Uuid>,
) -> ApiResult<Json<ResultBody>> {
    conversations::set_pinned(&services, &caller, ConversationId(id), false).await?;
    Ok(success())
}

/// List the messages of a conversation.
#[utoipa::path(get, path = "/messages", tag = "Web app", security(("passport" = [])),
    params(("conversation_id" = String, Query), ("first_id" = Option<String>, Query), ("limit" = Option<u64>, Query)),
    responses((status = 200, body = MessagePage), (status = 404, body = ErrorBody)))]
pub async fn list(
    State(services): App,
    Visitor(caller): Visitor,
    RawQuery(query): RawQuery,
) -> ApiResult<Json<MessagePage>> {
    caller.require_chat()?;
    let mut fields = from_query("MessageListQuery", query.as_deref());
    let ask = ask_messages(&mut fields);
    fields.finish()?;
    let Some(conversation) = ask.conversation_id else {
        return Ok(Json(MessagePage { limit: ask.limit, has_more: false, data: Vec::new() }));
    };
    let page = messages::list(&services, &caller, conversation, ask.first_id, ask.limit).await?;
    let data = page.items.into_iter().map(|view| message_item(view, true)).collect();
    Ok(Json(MessagePage { limit: ask.limit, has_more: page.has_more, data }))
}

/// Rate an answer.
#[utoipa::path(post, path = "/messages/{message_id}/feedbacks", tag = "Web app", security(("passport" = [])),
    params(("message_id" = Uuid, Path)), request_body = FeedbackBody,
    responses((status = 200, body = ResultBody), (status = 404, body = ErrorBody)))]
pub async fn feedback(
    State(services): App,
    Visitor(caller): Visitor,
    Path(id): Path<Uuid>,
    Body(map): Body<JsonMap>,
) -> ApiResult<Json<ResultBody>> {
    let (rating, content) = rating(map)?;
    ratings::rate(&services, &caller, MessageId(id), rating, content).await?;
    Ok(success())
}

/// Questions that may follow.
#[derive(Serialize, ToSchema)]
pub struct QuestionsBody {
    pub data: Vec<String>,
}

/// Questions the visitor may ask next.
#[utoipa::path(get, path = "/messages/{message_id}/suggested-questions", tag = "Web app",
    security(("passport" = [])), params(("message_id" = Uuid, Path)),
    responses((status = 200, body = QuestionsBody), (status = 403, body = ErrorBody)))]
pub async fn suggested(
    State(services): App,
    Visitor(caller): Visitor,
    Path(id): Path<Uuid>,
) -> ApiResult<Json<QuestionsBody>> {
    if !caller.app.mode.is_chat() {
        // Compat: this code, although the app should be a chat.
        require(caller.app.mode, ox_app::runs::AppMode::Chat)
            .map_err(|error| Error::new(error.status, "not_completion_app", error.message))?;
    }
    let found = messages::suggested(&services, &caller, MessageId(id)).await;
    let data = found.map_err(|error| match (error.status, error.code.as_ref()) {
        (400, "bad_request") => Error::new(
            403,
            "app_suggested_questions_after_answer_disabled",
            "Function Suggested questions after answer disabled.",
        ),
        (404, _) => Error::not_found("Message not found"),
        _ => error,
    })?;
    Ok(Json(QuestionsBody { data }))
}

/// Another answer to the same question.
#[utoipa::path(get, path = "/messages/{message_id}/more-like-this", tag = "Web app", security(("passport" = [])),
    params(("message_id" = Uuid, Path), ("response_mode" = String, Query)),
    responses((status = 200, description = "The answer, or a stream of events"), (status = 403, body = ErrorBody)))]
pub async fn more_like_this(
    State(services): App,
    Visitor(caller): Visitor,
    Path(id): Path<Uuid>,
    RawQuery(query): RawQuery,
    headers: axum::http::HeaderMap,
) -> ApiResult<Response> {
    let mut fields = from_query("MoreLikeThisQuery", query.as_deref());
    let mode = fields.optional_word("response_mode", &["blocking", "streaming"]);
    if mode.is_none() {
        fields.problem("response_mode", "Field required [type=missing]");
    }
    fields.finish()?;
    require(caller.app.mode, ox_app::runs::AppMode::Completion)?;
    let is_blocking = mode.as_deref() == Some("blocking");
    let reader = ox_app::runs::more_like_this(&services, &caller, MessageId(id), is_blocking).await?;
    crate::service::answer::answer(reader, is_blocking, &headers).await
}

/// A page of bookmarked answers.
#[utoipa::path(get, path = "/saved-messages", tag = "Web app", security(("passport" = [])),
    params(("last_id" = Option<String>, Query), ("limit" = Option<u64>, Query)),
    responses((status = 200, body = MessagePage), (status = 400, body = ErrorBody)))]
pub async fn saved(
    State(services): App,
    Visitor(caller): Visitor,
    RawQuery(query): RawQuery,
) -> ApiResult<Json<MessagePage>> {
    let mut fields = from_query("SavedMessageListQuery", query.as_deref());
    let last_id = fields.optional_uuid("last_id").map(MessageId);
    let limit = fields.number("limit", 20, 1, 100);
    fields.finish()?;
    let page = messages::saved(&services, &caller, last_id, limit).await?;
    const KEPT: [&str; 7] = ["id", "inputs", "query", "answer", "message_files", "feedback", "created_at"];
    let data = page
        .items
        .into_iter()
        .map(|view| {
            let item = message_item(view, false);
            KEPT.iter().map(|key| ((*key).to_owned(), item.get(key).cloned().unwrap_or_default())).collect()
        })
        .collect();
    Ok(Json(MessagePage { limit, has_more: page.has_more, data }))
}

/// Which answer.
#[derive(Deserialize, ToSchema)]
pub struct SaveBody {
    pub message_id: Uuid,
}

/// Bookmark an answer.
#[utoipa::path(post, path = "/saved-messages", tag = "Web app", security(("passport" = [])), request_body = SaveBody,
    responses((status = 200, body = ResultBody), (status = 404, body = ErrorBody)))]
pub async fn save(
    State(services): App,
    Visitor(caller): Visitor,
    Body(body): Body<SaveBody>,
) -> ApiResult<Json<ResultBody>> {
    messages::save(&services, &caller, MessageId(body.message_id)).await?;
    Ok(success())
}

/// Take a bookmark back.
#[utoipa::path(delete, path = "/saved-messages/{message_id}", tag = "Web app", security(("passport" = [])),
    params(("message_id" = Uuid, Path)), responses((status = 200, body = serde_json::Value)))]
pub async fn unsave(State(services): App, Visitor(caller): Visitor, Path(id): Path<Uuid>) -> ApiResult<Json<Json_>> {
    messages::unsave(&services, &caller, MessageId(id)).await?;
    Ok(Json(json!({"result": "success"})))
}
