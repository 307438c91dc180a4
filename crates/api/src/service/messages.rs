//! Messages, ratings and follow-up questions.

use axum::{
    Json,
    extract::{RawQuery, State},
    http::{HeaderMap, StatusCode},
    response::Response,
};
use chrono::SubsecRound;
use ox_app::{
    AppCaller, feedback as ratings,
    messages::{self, MessageView},
    model,
};
use ox_types::{ConversationId, MessageId};
use serde::Serialize;
use serde_json::{Map, Value as Json_, json};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    App, KeyApp, docs,
    fields::{Fields, from_query, required_user, user_missing},
    generate::success,
    once,
};
use crate::{
    ApiResult,
    error::ErrorBody,
    extract::{Body, Path},
};

/// A page of messages in ascending order of time.
#[derive(Serialize, ToSchema)]
pub struct MessagePage {
    pub limit: u64,
    pub has_more: bool,
    /// See the reference; `feedback` is the end user's rating or null.
    pub data: Vec<Json_>,
}

/// Questions that may follow.
#[derive(Serialize, ToSchema)]
pub struct SuggestedBody {
    pub result: String,
    pub data: Vec<String>,
}

/// Ratings of an app's answers.
#[derive(Serialize, ToSchema)]
pub struct FeedbackPage {
    pub data: Vec<Json_>,
}

/// What a list of messages is asked for; a blank conversation is an empty page.
pub(crate) struct AskMessages {
    pub conversation_id: Option<ConversationId>,
    pub first_id: Option<MessageId>,
    pub limit: u64,
}

pub(crate) fn ask(fields: &mut Fields) -> AskMessages {
    if !fields.has("conversation_id") {
        fields.problem("conversation_id", "Field required [type=missing]");
    }
    AskMessages {
        conversation_id: fields.optional_uuid("conversation_id").map(ConversationId),
        first_id: fields.optional_uuid("first_id").map(MessageId),
        limit: fields.number("limit", 20, 1, 100),
    }
}

/// A message as it is listed; web apps get its stored metadata besides, and its run, to follow one that waits.
pub(crate) fn item(view: MessageView, with_metadata: bool) -> Json_ {
    let message = view.message;
    let metadata: Json_ =
        message.message_metadata.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    let resources = metadata.get("retriever_resources").cloned().unwrap_or_else(|| json!([]));
    let inputs: Json_ = serde_json::from_str(&message.inputs).unwrap_or_else(|_| json!({}));
    let files: Vec<Json_> = view.files.into_iter().map(file).collect();
    let mut item = json!({
        "id": message.id,
        "conversation_id": message.conversation_id,
        "parent_message_id": message.parent_message_id,
        "inputs": inputs,
        "query": message.query,
        "answer": message.answer,
        "feedback": view.feedback.map(|feedback| json!({"rating": feedback.rating})),
        "retriever_resources": resources,
        "created_at": message.created_at.timestamp(),
        "agent_thoughts": view.thoughts.iter().map(crate::thoughts::item).collect::<Vec<_>>(),
        "message_files": files,
        "status": message.status,
        "error": message.error,
        "message_tokens": message.message_tokens,
        "answer_tokens": message.answer_tokens,
        "total_tokens": message.message_tokens + message.answer_tokens,
        "provider_response_latency": message.provider_response_latency,
        "total_price": message.total_price,
        "currency": message.currency,
        "extra_contents": [],
    });
    if with_metadata && let Json_::Object(map) = &mut item {
        map.insert("metadata".to_owned(), if metadata.is_null() { json!({}) } else { metadata });
        map.insert("workflow_run_id".to_owned(), json!(message.workflow_run_id));
    }
    item
}

fn file(view: messages::FileView) -> Json_ {
    let messages::FileView { file, upload, url } = view;
    let name = upload.as_ref().map(|upload| upload.name.clone());
    let name = name.or_else(|| url.as_deref().map(|url| url.rsplit('/').next().unwrap_or(url).to_owned()));
    json!({
        "id": file.id,
        "filename": name,
        "type": file.kind,
        "url": url,
        "mime_type": upload.as_ref().and_then(|upload| upload.mime_type.clone()),
        "size": upload.as_ref().map_or(-1, |upload| upload.size),
        "transfer_method": file.transfer_method,
        "belongs_to": file.belongs_to,
        "upload_file_id": file.upload_file_id,
    })
}

/// List the messages of a conversation.
#[utoipa::path(get, path = "/messages", tag = "Messages", security(("app_key" = [])),
    params(("conversation_id" = String, Query), ("user" = Option<String>, Query), ("first_id" = Option<String>, Query),
        ("limit" = Option<u64>, Query)),
    responses((status = 200, body = MessagePage), (status = 404, body = ErrorBody)))]
pub async fn list(
    State(services): App,
    KeyApp(app): KeyApp,
    RawQuery(query): RawQuery,
) -> ApiResult<Json<MessagePage>> {
    ox_app::require_chat(app.mode)?;
    let mut fields = from_query("MessageListQuery", query.as_deref());
    let user = fields.optional_text("user");
    let ask = ask(&mut fields);
    fields.finish()?;
    let Some(conversation) = ask.conversation_id else {
        return Ok(Json(MessagePage { limit: ask.limit, has_more: false, data: Vec::new() }));
    };
    let caller = AppCaller::service(&services, app, user.as_deref()).await?;
    let page = messages::list(&services, &caller, conversation, ask.first_id, ask.limit).await?;
    let data = page.items.into_iter().map(|view| item(view, false)).collect();
    Ok(Json(MessagePage { limit: ask.limit, has_more: page.has_more, data }))
}

/// Reads the body of a rating.
pub(crate) fn rating(map: Map<String, Json_>) -> Result<(Option<String>, Option<String>), ox_app::Error> {
    let mut fields = Fields::new("MessageFeedbackPayload", map);
    let rating = fields.optional_word("rating", &["like", "dislike"]);
    let content = fields.optional_text("content");
    fields.finish()?;
    Ok((rating, content))
}

/// Rate an answer.
#[utoipa::path(post, path = "/messages/{message_id}/feedbacks", tag = "Messages", security(("app_key" = [])),
    params(("message_id" = Uuid, Path)), request_body = docs::FeedbackBody,
    responses((status = 200, body = docs::ResultBody), (status = 404, body = ErrorBody)))]
pub async fn feedback(
    State(services): App,
    KeyApp(app): KeyApp,
    Path(id): Path<Uuid>,
    headers: HeaderMap,
    Body(map): Body<Map<String, Json_>>,
) -> ApiResult<Response> {
    let user = required_user(&map)?;
    let said = once::Said::new("feedbacks").text(&id.to_string()).json(&map);
    let (rating, content) = rating(map)?;
    let caller = AppCaller::service(&services, app, Some(&user)).await?;
    let rate = async {
        ratings::rate(&services, &caller, MessageId(id), rating, content).await?;
        let Json(done) = success();
        Ok(done)
    };
    once::answer(&services, &caller, &headers, StatusCode::OK, said, rate).await
}

/// List the ratings of the app's answers, newest first.
#[utoipa::path(get, path = "/app/feedbacks", tag = "Messages", security(("app_key" = [])),
    params(("page" = Option<u64>, Query), ("limit" = Option<u64>, Query)),
    responses((status = 200, body = FeedbackPage)))]
pub async fn app_feedbacks(
    State(services): App,
    KeyApp(app): KeyApp,
    RawQuery(query): RawQuery,
) -> ApiResult<Json<FeedbackPage>> {
    let mut fields = from_query("FeedbackListQuery", query.as_deref());
    let page = fields.number("page", 1, 1, 99_999);
    // Compat: this one list allows 101.
    let limit = fields.number("limit", 20, 1, 101);
    fields.finish()?;
    let rows = ratings::list(&services, &app, page, limit).await?;
    Ok(Json(FeedbackPage { data: rows.iter().map(rating_item).collect() }))
}

fn rating_item(row: &model::MessageFeedback) -> Json_ {
    let iso = |at: chrono::DateTime<chrono::Utc>| at.trunc_subsecs(0).format("%Y-%m-%dT%H:%M:%S").to_string();
    json!({
        "id": row.id,
        "app_id": row.app_id,
        "conversation_id": row.conversation_id,
        "message_id": row.message_id,
        "rating": row.rating,
        "content": row.content,
        "from_source": row.from_source,
        "from_end_user_id": row.from_end_user_id,
        "from_account_id": row.from_account_id,
        "created_at": iso(row.created_at),
        "updated_at": iso(row.updated_at),
    })
}

/// Questions the user may ask next.
#[utoipa::path(get, path = "/messages/{message_id}/suggested", tag = "Messages", security(("app_key" = [])),
    params(("message_id" = Uuid, Path), ("user" = String, Query)),
    responses((status = 200, body = SuggestedBody), (status = 400, body = ErrorBody)))]
pub async fn suggested(
    State(services): App,
    KeyApp(app): KeyApp,
    Path(id): Path<Uuid>,
    RawQuery(query): RawQuery,
) -> ApiResult<Json<SuggestedBody>> {
    let mut fields = from_query("SuggestedQuery", query.as_deref());
    let user = fields.optional_text("user").filter(|user| !user.is_empty()).ok_or_else(user_missing)?;
    ox_app::require_chat(app.mode)?;
    let caller = AppCaller::service(&services, app, Some(&user)).await?;
    let data = messages::suggested(&services, &caller, MessageId(id)).await?;
    Ok(Json(SuggestedBody { result: "success".to_owned(), data }))
}
