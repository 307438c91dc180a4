//! Trying a template (reference §19): what a visitor does on an app's page, without an app.

use std::sync::Arc;

use axum::{
    Json,
    extract::{FromRequestParts, RawPathParams, RawQuery, State},
    http::{HeaderMap, request::Parts},
    response::Response,
};
use ox_app::{AppCaller, Error, Services, explore::trials};
use serde_json::{Map, Value, json};
use utoipa_axum::router::OpenApiRouter;
use uuid::Uuid;

use super::{App, guard::Caller};
use crate::{
    ApiError, ApiResult,
    error::ErrorBody,
    extract::{Body, Path},
    openapi::routes,
    service::{ChatRequest, FeedbackBody, MessagePage, MetaBody, ResultBody, RunRequestBody},
    webapp::{Visitor, apps, generate, messages},
};

type JsonMap = Map<String, Value>;

pub fn router() -> OpenApiRouter<Arc<Services>> {
    OpenApiRouter::new()
        .routes(routes!(trial))
        .routes(routes!(site))
        .routes(routes!(parameters))
        .routes(routes!(meta))
        .routes(routes!(workflow))
        .routes(routes!(chat))
        .routes(routes!(completion))
        .routes(routes!(run))
        .routes(routes!(stop_chat))
        .routes(routes!(stop_completion))
        .routes(routes!(stop_workflow))
        .routes(routes!(list))
        .routes(routes!(feedback))
        .routes(routes!(suggested))
}

/// The member as a user of the template that the path names.
struct Trial(AppCaller);

impl FromRequestParts<Arc<Services>> for Trial {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, services: &Arc<Services>) -> Result<Self, Self::Rejection> {
        let Caller(member) = <Caller as FromRequestParts<Arc<Services>>>::from_request_parts(parts, services).await?;
        let missing = || Error::not_found("Template not found.");
        let named = RawPathParams::from_request_parts(parts, services).await.map_err(|_| missing())?;
        let id = named.iter().find(|(name, _)| *name == "app_id").and_then(|(_, id)| id.parse::<Uuid>().ok());
        let id = id.ok_or_else(missing)?;
        Ok(Self(trials::caller(services, &member, id).await?))
    }
}

/// A template that can be tried.
#[utoipa::path(get, path = "/trial-apps/{app_id}", tag = "explore",
    params(("app_id" = Uuid, Path)),
    responses((status = 200, body = serde_json::Value), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn trial(State(services): App, Caller(caller): Caller, Path(id): Path<Uuid>) -> ApiResult<Json<Value>> {
    let item = trials::view(&services, &caller, id).await?;
    Ok(Json(json!({
        "id": item.id, "name": item.name, "mode": item.mode, "icon": item.icon, "icon_type": "emoji", "icon_url": null,
        "icon_background": item.icon_background, "description": item.description,
    })))
}

/// The graph of a template.
#[utoipa::path(get, path = "/trial-apps/{app_id}/workflows", tag = "explore",
    params(("app_id" = Uuid, Path)),
    responses((status = 200, body = serde_json::Value), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn workflow(State(services): App, Caller(caller): Caller, Path(id): Path<Uuid>) -> ApiResult<Json<Value>> {
    let workflow = trials::workflow(&services, &caller, id).await?;
    Ok(Json(json!({"id": workflow.id, "graph": workflow.graph, "features": workflow.features})))
}

/// Look and texts of the template's page.
#[utoipa::path(get, path = "/trial-apps/{app_id}/site", tag = "explore",
    params(("app_id" = Uuid, Path)),
    responses((status = 200, body = serde_json::Value), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn site(app: App, Trial(caller): Trial) -> ApiResult<Json<Value>> {
    apps::site(app, Visitor(caller)).await
}

/// Features, questions and limits of the template.
#[utoipa::path(get, path = "/trial-apps/{app_id}/parameters", tag = "explore",
    params(("app_id" = Uuid, Path)),
    responses((status = 200, body = serde_json::Value), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn parameters(app: App, Trial(caller): Trial) -> ApiResult<Json<Value>> {
    apps::parameters(app, Visitor(caller)).await
}

/// Ours: icons of the template's tools.
#[utoipa::path(get, path = "/trial-apps/{app_id}/meta", tag = "explore",
    params(("app_id" = Uuid, Path)),
    responses((status = 200, body = MetaBody), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn meta(app: App, Trial(caller): Trial) -> ApiResult<Json<MetaBody>> {
    apps::meta(app, Visitor(caller)).await
}

/// Ask the template; counts for the day.
#[utoipa::path(post, path = "/trial-apps/{app_id}/chat-messages", tag = "explore", request_body = ChatRequest,
    params(("app_id" = Uuid, Path)),
    responses((status = 200, description = "The answer, or a stream of events"), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn chat(app: App, Trial(caller): Trial, headers: HeaderMap, body: Body<JsonMap>) -> ApiResult<Response> {
    trials::count(&app, &caller).await?;
    generate::chat(app, Visitor(caller), headers, body).await
}

/// Ask for a completion; counts for the day.
#[utoipa::path(post, path = "/trial-apps/{app_id}/completion-messages", tag = "explore", request_body = RunRequestBody,
    params(("app_id" = Uuid, Path)),
    responses((status = 200, description = "The answer, or a stream of events"), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn completion(app: App, Trial(caller): Trial, headers: HeaderMap, body: Body<JsonMap>) -> ApiResult<Response> {
    trials::count(&app, &caller).await?;
    generate::completion(app, Visitor(caller), headers, body).await
}

/// Run the workflow; always a stream. Counts for the day.
#[utoipa::path(post, path = "/trial-apps/{app_id}/workflows/run", tag = "explore", request_body = RunRequestBody,
    params(("app_id" = Uuid, Path)),
    responses((status = 200, description = "The answer, or a stream of events"), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn run(app: App, Trial(caller): Trial, headers: HeaderMap, body: Body<JsonMap>) -> ApiResult<Response> {
    trials::count(&app, &caller).await?;
    generate::run(app, Visitor(caller), headers, body).await
}

/// Ours: stop what is running.
#[utoipa::path(post, path = "/trial-apps/{app_id}/chat-messages/{task_id}/stop", tag = "explore",
    params(("app_id" = Uuid, Path), ("task_id" = String, Path)),
    responses((status = 200, body = ResultBody), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn stop_chat(
    app: App,
    Trial(caller): Trial,
    Path((_template, task)): Path<(Uuid, String)>,
) -> ApiResult<Json<ResultBody>> {
    generate::stop_chat(app, Visitor(caller), Path(task)).await
}

/// Ours: stop what is running.
#[utoipa::path(post, path = "/trial-apps/{app_id}/completion-messages/{task_id}/stop", tag = "explore",
    params(("app_id" = Uuid, Path), ("task_id" = String, Path)),
    responses((status = 200, body = ResultBody), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn stop_completion(
    app: App,
    Trial(caller): Trial,
    Path((_template, task)): Path<(Uuid, String)>,
) -> ApiResult<Json<ResultBody>> {
    generate::stop_completion(app, Visitor(caller), Path(task)).await
}

/// Stop what is running.
#[utoipa::path(post, path = "/trial-apps/{app_id}/workflows/tasks/{task_id}/stop", tag = "explore",
    params(("app_id" = Uuid, Path), ("task_id" = String, Path)),
    responses((status = 200, body = ResultBody), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn stop_workflow(
    app: App,
    Trial(caller): Trial,
    Path((_template, task)): Path<(Uuid, String)>,
) -> ApiResult<Json<ResultBody>> {
    generate::stop_workflow(app, Visitor(caller), Path(task)).await
}

/// Ours: the messages of a conversation, for a page that lost its stream.
#[utoipa::path(get, path = "/trial-apps/{app_id}/messages", tag = "explore",
    params(("app_id" = Uuid, Path), ("conversation_id" = String, Query), ("first_id" = Option<String>, Query), ("limit" = Option<u64>, Query)),
    responses((status = 200, body = MessagePage), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn list(app: App, Trial(caller): Trial, query: RawQuery) -> ApiResult<Json<MessagePage>> {
    messages::list(app, Visitor(caller), query).await
}

/// Ours: rate an answer.
#[utoipa::path(post, path = "/trial-apps/{app_id}/messages/{message_id}/feedbacks", tag = "explore", request_body = FeedbackBody,
    params(("app_id" = Uuid, Path), ("message_id" = Uuid, Path)),
    responses((status = 200, body = ResultBody), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn feedback(
    app: App,
    Trial(caller): Trial,
    Path((_template, id)): Path<(Uuid, Uuid)>,
    body: Body<JsonMap>,
) -> ApiResult<Json<ResultBody>> {
    messages::feedback(app, Visitor(caller), Path(id), body).await
}

/// Questions the member may ask next.
#[utoipa::path(get, path = "/trial-apps/{app_id}/messages/{message_id}/suggested-questions", tag = "explore",
    params(("app_id" = Uuid, Path), ("message_id" = Uuid, Path)),
    responses((status = 200, body = messages::QuestionsBody), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn suggested(
    app: App,
    Trial(caller): Trial,
    Path((_template, id)): Path<(Uuid, Uuid)>,
) -> ApiResult<Json<messages::QuestionsBody>> {
    messages::suggested(app, Visitor(caller), Path(id)).await
}
