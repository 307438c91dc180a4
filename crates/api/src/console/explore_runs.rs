//! What a member does with an app of Explore: what a visitor does on its page, as themselves.

use std::sync::Arc;

use axum::{
    Json,
    extract::{FromRequestParts, Multipart, RawPathParams, RawQuery, multipart::MultipartRejection},
    http::{HeaderMap, StatusCode, request::Parts},
    response::Response,
};
use ox_app::{AppCaller, Error, Services, explore};
use serde_json::{Map, Value};
use utoipa_axum::router::OpenApiRouter;
use uuid::Uuid;

use super::{App, guard::Caller};
use crate::{
    ApiError, ApiResult,
    error::ErrorBody,
    extract::{Body, Path},
    openapi::routes,
    service::{
        ChatRequest, ConversationBody, ConversationPage, FeedbackBody, MessagePage, MetaBody, NameBody, ResultBody,
        RunRequestBody, SpeechBody, TranscriptBody, UploadBody, recording_limit,
    },
    webapp::{Visitor, apps, audio, generate, messages, runs as past},
};

type JsonMap = Map<String, Value>;

pub fn router() -> OpenApiRouter<Arc<Services>> {
    let recordings = OpenApiRouter::new().routes(routes!(transcribe)).layer(recording_limit());
    OpenApiRouter::new()
        .routes(routes!(site))
        .routes(routes!(parameters))
        .routes(routes!(meta))
        .routes(routes!(chat))
        .routes(routes!(completion, completions))
        .routes(routes!(run))
        .routes(routes!(stop_chat))
        .routes(routes!(stop_completion))
        .routes(routes!(stop_workflow))
        .routes(routes!(conversations))
        .routes(routes!(delete_conversation))
        .routes(routes!(rename))
        .routes(routes!(pin))
        .routes(routes!(unpin))
        .routes(routes!(list))
        .routes(routes!(feedback))
        .routes(routes!(suggested))
        .routes(routes!(more_like_this))
        .routes(routes!(saved, save))
        .routes(routes!(unsave))
        .routes(routes!(past_runs))
        .routes(routes!(past_run))
        .routes(routes!(speak))
        .merge(recordings)
}

/// The member as a user of the app that the path names.
struct Installed(AppCaller);

impl FromRequestParts<Arc<Services>> for Installed {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, services: &Arc<Services>) -> Result<Self, Self::Rejection> {
        let Caller(member) = <Caller as FromRequestParts<Arc<Services>>>::from_request_parts(parts, services).await?;
        let missing = || Error::not_found("Installed app not found.");
        let named = RawPathParams::from_request_parts(parts, services).await.map_err(|_| missing())?;
        let id = named.iter().find(|(name, _)| *name == "installed_app_id").and_then(|(_, id)| id.parse::<Uuid>().ok());
        let id = id.ok_or_else(missing)?;
        Ok(Self(explore::caller(services, &member, id).await?))
    }
}

/// Ours: look and texts of the app, as its page has them.
#[utoipa::path(get, path = "/installed-apps/{installed_app_id}/site", tag = "explore",
    params(("installed_app_id" = Uuid, Path)),
    responses((status = 200, body = serde_json::Value), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn site(app: App, Installed(caller): Installed) -> ApiResult<Json<Value>> {
    apps::site(app, Visitor(caller)).await
}

/// Features, questions and limits of the app.
#[utoipa::path(get, path = "/installed-apps/{installed_app_id}/parameters", tag = "explore",
    params(("installed_app_id" = Uuid, Path)),
    responses((status = 200, body = serde_json::Value), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn parameters(app: App, Installed(caller): Installed) -> ApiResult<Json<Value>> {
    apps::parameters(app, Visitor(caller)).await
}

/// Icons of the app's tools.
#[utoipa::path(get, path = "/installed-apps/{installed_app_id}/meta", tag = "explore",
    params(("installed_app_id" = Uuid, Path)),
    responses((status = 200, body = MetaBody), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn meta(app: App, Installed(caller): Installed) -> ApiResult<Json<MetaBody>> {
    apps::meta(app, Visitor(caller)).await
}

/// Ask the app.
#[utoipa::path(post, path = "/installed-apps/{installed_app_id}/chat-messages", tag = "explore", request_body = ChatRequest,
    params(("installed_app_id" = Uuid, Path)),
    responses((status = 200, description = "The answer, or a stream of events"), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn chat(app: App, Installed(caller): Installed, headers: HeaderMap, body: Body<JsonMap>) -> ApiResult<Response> {
    generate::chat(app, Visitor(caller), headers, body).await
}

/// Ask for a completion.
#[utoipa::path(post, path = "/installed-apps/{installed_app_id}/completion-messages", tag = "explore", request_body = RunRequestBody,
    params(("installed_app_id" = Uuid, Path)),
    responses((status = 200, description = "The answer, or a stream of events"), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn completion(
    app: App,
    Installed(caller): Installed,
    headers: HeaderMap,
    body: Body<JsonMap>,
) -> ApiResult<Response> {
    generate::completion(app, Visitor(caller), headers, body).await
}

/// Run the workflow; always a stream.
#[utoipa::path(post, path = "/installed-apps/{installed_app_id}/workflows/run", tag = "explore", request_body = RunRequestBody,
    params(("installed_app_id" = Uuid, Path)),
    responses((status = 200, description = "The answer, or a stream of events"), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn run(app: App, Installed(caller): Installed, headers: HeaderMap, body: Body<JsonMap>) -> ApiResult<Response> {
    generate::run(app, Visitor(caller), headers, body).await
}

/// Stop what is running.
#[utoipa::path(post, path = "/installed-apps/{installed_app_id}/chat-messages/{task_id}/stop", tag = "explore",
    params(("installed_app_id" = Uuid, Path), ("task_id" = String, Path)),
    responses((status = 200, body = ResultBody), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn stop_chat(
    app: App,
    Installed(caller): Installed,
    Path((_installed, task)): Path<(Uuid, String)>,
) -> ApiResult<Json<ResultBody>> {
    generate::stop_chat(app, Visitor(caller), Path(task)).await
}

/// Stop what is running.
#[utoipa::path(post, path = "/installed-apps/{installed_app_id}/completion-messages/{task_id}/stop", tag = "explore",
    params(("installed_app_id" = Uuid, Path), ("task_id" = String, Path)),
    responses((status = 200, body = ResultBody), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn stop_completion(
    app: App,
    Installed(caller): Installed,
    Path((_installed, task)): Path<(Uuid, String)>,
) -> ApiResult<Json<ResultBody>> {
    generate::stop_completion(app, Visitor(caller), Path(task)).await
}

/// Stop what is running.
#[utoipa::path(post, path = "/installed-apps/{installed_app_id}/workflows/tasks/{task_id}/stop", tag = "explore",
    params(("installed_app_id" = Uuid, Path), ("task_id" = String, Path)),
    responses((status = 200, body = ResultBody), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn stop_workflow(
    app: App,
    Installed(caller): Installed,
    Path((_installed, task)): Path<(Uuid, String)>,
) -> ApiResult<Json<ResultBody>> {
    generate::stop_workflow(app, Visitor(caller), Path(task)).await
}

/// List conversations, newest change first.
#[utoipa::path(get, path = "/installed-apps/{installed_app_id}/conversations", tag = "explore",
    params(("installed_app_id" = Uuid, Path), ("last_id" = Option<String>, Query), ("limit" = Option<u64>, Query), ("pinned" = Option<bool>, Query)),
    responses((status = 200, body = ConversationPage), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn conversations(app: App, Installed(caller): Installed, query: RawQuery) -> ApiResult<Json<ConversationPage>> {
    messages::conversations(app, Visitor(caller), query).await
}

/// Delete a conversation with its messages.
#[utoipa::path(delete, path = "/installed-apps/{installed_app_id}/conversations/{conversation_id}", tag = "explore",
    params(("installed_app_id" = Uuid, Path), ("conversation_id" = Uuid, Path)),
    responses((status = 204), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn delete_conversation(
    app: App,
    Installed(caller): Installed,
    Path((_installed, id)): Path<(Uuid, Uuid)>,
) -> ApiResult<StatusCode> {
    messages::delete(app, Visitor(caller), Path(id)).await
}

/// Rename a conversation.
#[utoipa::path(post, path = "/installed-apps/{installed_app_id}/conversations/{conversation_id}/name", tag = "explore", request_body = NameBody,
    params(("installed_app_id" = Uuid, Path), ("conversation_id" = Uuid, Path)),
    responses((status = 200, body = ConversationBody), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn rename(
    app: App,
    Installed(caller): Installed,
    Path((_installed, id)): Path<(Uuid, Uuid)>,
    body: Body<JsonMap>,
) -> ApiResult<Json<ConversationBody>> {
    messages::rename(app, Visitor(caller), Path(id), body).await
}

/// Keep a conversation on top.
#[utoipa::path(patch, path = "/installed-apps/{installed_app_id}/conversations/{conversation_id}/pin", tag = "explore",
    params(("installed_app_id" = Uuid, Path), ("conversation_id" = Uuid, Path)),
    responses((status = 200, body = ResultBody), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn pin(
    app: App,
    Installed(caller): Installed,
    Path((_installed, id)): Path<(Uuid, Uuid)>,
) -> ApiResult<Json<ResultBody>> {
    messages::pin(app, Visitor(caller), Path(id)).await
}

/// Take a conversation from the top.
#[utoipa::path(patch, path = "/installed-apps/{installed_app_id}/conversations/{conversation_id}/unpin", tag = "explore",
    params(("installed_app_id" = Uuid, Path), ("conversation_id" = Uuid, Path)),
    responses((status = 200, body = ResultBody), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn unpin(
    app: App,
    Installed(caller): Installed,
    Path((_installed, id)): Path<(Uuid, Uuid)>,
) -> ApiResult<Json<ResultBody>> {
    messages::unpin(app, Visitor(caller), Path(id)).await
}

/// List the messages of a conversation.
#[utoipa::path(get, path = "/installed-apps/{installed_app_id}/messages", tag = "explore",
    params(("installed_app_id" = Uuid, Path), ("conversation_id" = String, Query), ("first_id" = Option<String>, Query), ("limit" = Option<u64>, Query)),
    responses((status = 200, body = MessagePage), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn list(app: App, Installed(caller): Installed, query: RawQuery) -> ApiResult<Json<MessagePage>> {
    messages::list(app, Visitor(caller), query).await
}

/// Rate an answer.
#[utoipa::path(post, path = "/installed-apps/{installed_app_id}/messages/{message_id}/feedbacks", tag = "explore", request_body = FeedbackBody,
    params(("installed_app_id" = Uuid, Path), ("message_id" = Uuid, Path)),
    responses((status = 200, body = ResultBody), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn feedback(
    app: App,
    Installed(caller): Installed,
    Path((_installed, id)): Path<(Uuid, Uuid)>,
    body: Body<JsonMap>,
) -> ApiResult<Json<ResultBody>> {
    messages::feedback(app, Visitor(caller), Path(id), body).await
}

/// Questions the member may ask next.
#[utoipa::path(get, path = "/installed-apps/{installed_app_id}/messages/{message_id}/suggested-questions", tag = "explore",
    params(("installed_app_id" = Uuid, Path), ("message_id" = Uuid, Path)),
    responses((status = 200, body = messages::QuestionsBody), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn suggested(
    app: App,
    Installed(caller): Installed,
    Path((_installed, id)): Path<(Uuid, Uuid)>,
) -> ApiResult<Json<messages::QuestionsBody>> {
    messages::suggested(app, Visitor(caller), Path(id)).await
}

/// Another answer to the same question.
#[utoipa::path(get, path = "/installed-apps/{installed_app_id}/messages/{message_id}/more-like-this", tag = "explore",
    params(("installed_app_id" = Uuid, Path), ("message_id" = Uuid, Path), ("response_mode" = String, Query)),
    responses((status = 200, description = "The answer, or a stream of events"), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn more_like_this(
    app: App,
    Installed(caller): Installed,
    Path((_installed, id)): Path<(Uuid, Uuid)>,
    query: RawQuery,
    headers: HeaderMap,
) -> ApiResult<Response> {
    messages::more_like_this(app, Visitor(caller), Path(id), query, headers).await
}

/// A page of bookmarked answers.
#[utoipa::path(get, path = "/installed-apps/{installed_app_id}/saved-messages", tag = "explore",
    params(("installed_app_id" = Uuid, Path), ("last_id" = Option<String>, Query), ("limit" = Option<u64>, Query)),
    responses((status = 200, body = MessagePage), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn saved(app: App, Installed(caller): Installed, query: RawQuery) -> ApiResult<Json<MessagePage>> {
    messages::saved(app, Visitor(caller), query).await
}

/// Bookmark an answer.
#[utoipa::path(post, path = "/installed-apps/{installed_app_id}/saved-messages", tag = "explore", request_body = messages::SaveBody,
    params(("installed_app_id" = Uuid, Path)),
    responses((status = 200, body = ResultBody), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn save(app: App, Installed(caller): Installed, body: Body<messages::SaveBody>) -> ApiResult<Json<ResultBody>> {
    messages::save(app, Visitor(caller), body).await
}

/// Take a bookmark back.
#[utoipa::path(delete, path = "/installed-apps/{installed_app_id}/saved-messages/{message_id}", tag = "explore",
    params(("installed_app_id" = Uuid, Path), ("message_id" = Uuid, Path)),
    responses((status = 200, body = serde_json::Value), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn unsave(
    app: App,
    Installed(caller): Installed,
    Path((_installed, id)): Path<(Uuid, Uuid)>,
) -> ApiResult<Json<Value>> {
    messages::unsave(app, Visitor(caller), Path(id)).await
}

/// Ours: the member's runs of a workflow, newest first.
#[utoipa::path(get, path = "/installed-apps/{installed_app_id}/workflows/runs", tag = "explore",
    params(("installed_app_id" = Uuid, Path), ("last_id" = Option<String>, Query), ("limit" = Option<u64>, Query)),
    responses((status = 200, body = past::PastRunPage), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn past_runs(app: App, Installed(caller): Installed, query: RawQuery) -> ApiResult<Json<past::PastRunPage>> {
    past::list(app, Visitor(caller), query).await
}

/// Ours: a run of the member with its result.
#[utoipa::path(get, path = "/installed-apps/{installed_app_id}/workflows/runs/{run_id}", tag = "explore",
    params(("installed_app_id" = Uuid, Path), ("run_id" = Uuid, Path)),
    responses((status = 200, body = past::PastRunBody), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn past_run(
    app: App,
    Installed(caller): Installed,
    Path((_installed, id)): Path<(Uuid, Uuid)>,
) -> ApiResult<Json<past::PastRunBody>> {
    past::detail(app, Visitor(caller), Path(id)).await
}

/// Ours: the member's answers of a completion app, newest first.
#[utoipa::path(get, path = "/installed-apps/{installed_app_id}/completion-messages", tag = "explore",
    params(("installed_app_id" = Uuid, Path), ("last_id" = Option<String>, Query), ("limit" = Option<u64>, Query)),
    responses((status = 200, body = MessagePage), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn completions(app: App, Installed(caller): Installed, query: RawQuery) -> ApiResult<Json<MessagePage>> {
    past::completions(app, Visitor(caller), query).await
}

/// The words of a recording.
#[utoipa::path(post, path = "/installed-apps/{installed_app_id}/audio-to-text", tag = "explore",
    params(("installed_app_id" = Uuid, Path)),
    request_body(content = UploadBody, content_type = "multipart/form-data"),
    responses((status = 200, body = TranscriptBody), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 413, body = ErrorBody), (status = 415, body = ErrorBody)))]
async fn transcribe(
    app: App,
    Installed(caller): Installed,
    found: Result<Multipart, MultipartRejection>,
) -> ApiResult<Json<TranscriptBody>> {
    audio::transcribe(app, Visitor(caller), found).await
}

/// A text, or the answer of one of the member's messages, as speech.
#[utoipa::path(post, path = "/installed-apps/{installed_app_id}/text-to-audio", tag = "explore", request_body = SpeechBody,
    params(("installed_app_id" = Uuid, Path)),
    responses((status = 200, description = "MP3, or JSON null for a message that says nothing", content_type = "audio/mpeg"), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 415, body = ErrorBody)))]
async fn speak(app: App, Installed(caller): Installed, body: Body<JsonMap>) -> ApiResult<Response> {
    audio::speak(app, Visitor(caller), body).await
}
