//! Apps: list, create, change, delete; keys; the configuration of basic apps.

use axum::{Json, extract::State, http::StatusCode};
use ox_app::{
    Error, Services,
    apps::{self, AppChange, AppFilter, AppView, KeyChange, Page},
    model::ApiToken,
    model_config,
};
use ox_types::{AppId, Json as Document};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use uuid::Uuid;

use super::{
    App,
    guard::Caller,
    site::SiteView,
    view::{Done, PageOf, seconds},
};
use crate::{
    ApiResult,
    error::ErrorBody,
    extract::{Body, Path, Query},
    openapi::routes,
};

pub fn router() -> OpenApiRouter<std::sync::Arc<Services>> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(get, update, delete))
        .routes(routes!(rename))
        .routes(routes!(set_icon))
        .routes(routes!(copy))
        .routes(routes!(list_keys, create_key))
        .routes(routes!(limit_key, delete_key))
        .routes(routes!(set_model_config))
}

/// A label on an app.
#[derive(Serialize, ToSchema)]
pub struct AppTag {
    id: Uuid,
    name: String,
    #[serde(rename = "type")]
    kind: String,
}

/// An app in lists.
#[derive(Serialize, ToSchema)]
pub struct AppItem {
    #[schema(value_type = Uuid)]
    pub id: AppId,
    name: String,
    description: String,
    /// `completion`, `chat`, `agent-chat`, `advanced-chat`, `workflow`.
    mode: String,
    icon_type: Option<String>,
    icon: Option<String>,
    icon_background: Option<String>,
    icon_url: Option<String>,
    max_active_requests: i32,
    /// Basic apps: the model and its texts.
    #[schema(value_type = Option<Object>)]
    model_config: Value,
    /// Graph apps: the published version.
    #[schema(value_type = Option<Object>)]
    workflow: Value,
    use_icon_as_answer_icon: bool,
    created_by: Option<Uuid>,
    created_at: i64,
    updated_by: Option<Uuid>,
    updated_at: i64,
    tags: Vec<AppTag>,
    access_mode: Option<String>,
    create_user_name: Option<String>,
    author_name: Option<String>,
    has_draft_trigger: bool,
    enable_site: bool,
    enable_api: bool,
}

/// An app with its site.
#[derive(Serialize, ToSchema)]
pub struct AppDetail {
    #[serde(flatten)]
    item: AppItem,
    site: Option<SiteView>,
    api_base_url: String,
    tracing: Option<Value>,
    deleted_tools: Vec<Value>,
}

fn item(view: AppView) -> AppItem {
    let AppView { app, config, workflow, tags, author_name, .. } = view;
    let brief = |config: &ox_app::model::AppModelConfig| {
        json!({"model": config.model, "pre_prompt": config.pre_prompt, "created_by": config.created_by,
            "created_at": seconds(config.created_at), "updated_by": config.updated_by, "updated_at": seconds(config.updated_at)})
    };
    AppItem {
        id: app.id,
        name: app.name,
        description: app.description,
        mode: app.mode,
        icon_type: app.icon_type,
        icon: app.icon,
        icon_background: app.icon_background,
        icon_url: None,
        max_active_requests: app.max_active_requests.unwrap_or(0),
        model_config: config.as_ref().map_or(Value::Null, brief),
        workflow: workflow.map_or(Value::Null, |workflow| {
            json!({"id": workflow.id, "created_by": workflow.created_by, "created_at": seconds(workflow.created_at),
                "updated_by": workflow.updated_by, "updated_at": seconds(workflow.updated_at)})
        }),
        use_icon_as_answer_icon: app.use_icon_as_answer_icon,
        created_by: app.created_by.map(Uuid::from),
        created_at: seconds(app.created_at),
        updated_by: app.updated_by.map(Uuid::from),
        updated_at: seconds(app.updated_at),
        tags: tags.into_iter().map(|tag| AppTag { id: tag.id, name: tag.name, kind: tag.kind }).collect(),
        access_mode: None,
        create_user_name: None,
        author_name,
        has_draft_trigger: false,
        enable_site: app.enable_site,
        enable_api: app.enable_api,
    }
}

pub(super) fn detail(services: &Services, view: AppView) -> AppDetail {
    let site = view.site.clone().map(|site| SiteView::new(services, site));
    let full = view.config.as_ref().map_or(Value::Null, model_config::to_json);
    let tracing = view.app.tracing.clone();
    let mut item = item(view);
    if !full.is_null() {
        item.model_config = full;
    }
    let api_base_url = format!("{}/v1", services.settings.service_api_url);
    AppDetail { item, site, api_base_url, tracing, deleted_tools: Vec::new() }
}

#[derive(Deserialize, IntoParams)]
struct ListQuery {
    #[serde(default = "first_page")]
    page: u64,
    #[serde(default = "page_size")]
    limit: u64,
    mode: Option<String>,
    name: Option<String>,
    /// One value, ids separated by commas.
    tag_ids: Option<String>,
    is_created_by_me: Option<String>,
}

fn first_page() -> u64 {
    1
}

fn page_size() -> u64 {
    20
}

#[utoipa::path(get, path = "/apps", tag = "apps", params(ListQuery), responses((status = 200, body = PageOf<AppItem>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody)))]
async fn list(
    State(services): App,
    Caller(caller): Caller,
    Query(query): Query<ListQuery>,
) -> ApiResult<Json<PageOf<AppItem>>> {
    if !(1..=99_999).contains(&query.page) || !(1..=100).contains(&query.limit) {
        return Err(Error::invalid("page must be between 1 and 99999, limit between 1 and 100.").into());
    }
    let tags = query.tag_ids.as_deref().unwrap_or_default().split(',').filter(|id| !id.trim().is_empty());
    let tag_ids: Result<Vec<Uuid>, _> = tags.map(|id| id.trim().parse()).collect();
    let filter = AppFilter {
        page: query.page,
        limit: query.limit,
        mode: query.mode,
        name: query.name.filter(|name| !name.is_empty()),
        tag_ids: tag_ids.map_err(|_| Error::invalid_field("tag_ids", "Invalid UUID format in tag_ids."))?,
        created_by_me: query.is_created_by_me.is_some_and(|text| matches!(text.as_str(), "true" | "1" | "yes" | "on")),
    };
    let found = apps::list(&services, &caller, &filter).await?;
    let has_more = found.has_more();
    let Page { page, limit, total, items } = found;
    Ok(Json(PageOf { page, limit, total, has_more, data: items.into_iter().map(item).collect() }))
}

/// Name, texts and picture of an app.
#[derive(Deserialize, ToSchema)]
pub struct AppBody {
    /// Only when creating.
    mode: Option<String>,
    name: Option<String>,
    /// At most 400 characters.
    description: Option<String>,
    /// `emoji`, `image` or `link`.
    icon_type: Option<String>,
    icon: Option<String>,
    icon_background: Option<String>,
    use_icon_as_answer_icon: Option<bool>,
    /// 0 is unlimited.
    max_active_requests: Option<i32>,
}

impl From<AppBody> for AppChange {
    fn from(body: AppBody) -> Self {
        Self {
            name: body.name,
            description: body.description,
            icon_type: body.icon_type,
            icon: body.icon,
            icon_background: body.icon_background,
            use_icon_as_answer_icon: body.use_icon_as_answer_icon,
            max_active_requests: body.max_active_requests,
        }
    }
}

#[utoipa::path(post, path = "/apps", tag = "apps", request_body = AppBody,
    responses((status = 201, body = AppDetail), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
async fn create(
    State(services): App,
    Caller(caller): Caller,
    Body(body): Body<AppBody>,
) -> ApiResult<(StatusCode, Json<AppDetail>)> {
    let mode = body.mode.clone().ok_or_else(|| Error::invalid_field("mode", "mode: Field required"))?;
    let view = apps::create(&services, &caller, &mode, body.into()).await?;
    Ok((StatusCode::CREATED, Json(detail(&services, view))))
}

#[utoipa::path(get, path = "/apps/{app_id}", tag = "apps", params(("app_id" = Uuid, Path)),
    responses((status = 200, body = AppDetail), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn get(State(services): App, Caller(caller): Caller, Path(id): Path<AppId>) -> ApiResult<Json<AppDetail>> {
    Ok(Json(detail(&services, apps::view(&services, &caller, id).await?)))
}

#[utoipa::path(put, path = "/apps/{app_id}", tag = "apps", request_body = AppBody, params(("app_id" = Uuid, Path)),
    responses((status = 200, body = AppDetail), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn update(
    State(services): App,
    Caller(caller): Caller,
    Path(id): Path<AppId>,
    Body(body): Body<AppBody>,
) -> ApiResult<Json<AppDetail>> {
    if body.name.is_none() {
        return Err(Error::invalid_field("name", "name: Field required").into());
    }
    Ok(Json(detail(&services, apps::update(&services, &caller, id, body.into()).await?)))
}

#[utoipa::path(delete, path = "/apps/{app_id}", tag = "apps", params(("app_id" = Uuid, Path)),
    responses((status = 204), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn delete(State(services): App, Caller(caller): Caller, Path(id): Path<AppId>) -> ApiResult<StatusCode> {
    apps::delete(&services, &caller, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Another name.
#[derive(Deserialize, ToSchema)]
pub struct AppName {
    name: String,
}

#[utoipa::path(post, path = "/apps/{app_id}/name", tag = "apps", request_body = AppName, params(("app_id" = Uuid, Path)),
    responses((status = 200, body = AppDetail), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn rename(
    State(services): App,
    Caller(caller): Caller,
    Path(id): Path<AppId>,
    Body(body): Body<AppName>,
) -> ApiResult<Json<AppDetail>> {
    let change = AppChange { name: Some(body.name), ..AppChange::default() };
    Ok(Json(detail(&services, apps::update(&services, &caller, id, change).await?)))
}

/// Another picture.
#[derive(Deserialize, ToSchema)]
pub struct AppIcon {
    icon: Option<String>,
    icon_background: Option<String>,
    icon_type: Option<String>,
}

#[utoipa::path(post, path = "/apps/{app_id}/icon", tag = "apps", request_body = AppIcon, params(("app_id" = Uuid, Path)),
    responses((status = 200, body = AppDetail), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn set_icon(
    State(services): App,
    Caller(caller): Caller,
    Path(id): Path<AppId>,
    Body(body): Body<AppIcon>,
) -> ApiResult<Json<AppDetail>> {
    let AppIcon { icon, icon_background, icon_type } = body;
    let change = AppChange { icon, icon_background, icon_type, ..AppChange::default() };
    Ok(Json(detail(&services, apps::update(&services, &caller, id, change).await?)))
}

#[utoipa::path(post, path = "/apps/{app_id}/copy", tag = "apps", request_body = AppBody, params(("app_id" = Uuid, Path)),
    responses((status = 201, body = AppDetail), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn copy(
    State(services): App,
    Caller(caller): Caller,
    Path(id): Path<AppId>,
    Body(body): Body<AppBody>,
) -> ApiResult<(StatusCode, Json<AppDetail>)> {
    let view = ox_app::imports::copy(&services, &caller, id, body.into()).await?;
    Ok((StatusCode::CREATED, Json(detail(&services, view))))
}

/// A key of the Service API.
#[derive(Serialize, ToSchema)]
pub struct KeyView {
    id: Uuid,
    #[serde(rename = "type")]
    kind: String,
    token: String,
    last_used_at: Option<i64>,
    created_at: i64,
    /// 0 is unlimited.
    requests_per_minute: i32,
    /// Runs at the same time; 0 is unlimited.
    concurrent_runs: i32,
    /// Groups of operations: `run`, `logs`, `conversations`, `feedback`, `files`, `annotations`; null is all.
    scopes: Option<Vec<String>>,
}

impl From<ApiToken> for KeyView {
    fn from(key: ApiToken) -> Self {
        let names = |text: String| text.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect();
        Self {
            requests_per_minute: key.limits.requests_per_minute.unwrap_or(0),
            concurrent_runs: key.limits.concurrent_runs.unwrap_or(0),
            scopes: key.limits.scopes.map(names),
            id: key.id,
            kind: key.kind,
            token: key.token,
            last_used_at: key.last_used_at.map(seconds),
            created_at: seconds(key.created_at),
        }
    }
}

/// The keys of an app.
#[derive(Serialize, ToSchema)]
pub struct Keys {
    data: Vec<KeyView>,
}

#[utoipa::path(get, path = "/apps/{app_id}/api-keys", tag = "apps", params(("app_id" = Uuid, Path)),
    responses((status = 200, body = Keys), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn list_keys(State(services): App, Caller(caller): Caller, Path(id): Path<AppId>) -> ApiResult<Json<Keys>> {
    let keys = apps::list_keys(&services, &caller, id).await?;
    Ok(Json(Keys { data: keys.into_iter().map(KeyView::from).collect() }))
}

#[utoipa::path(post, path = "/apps/{app_id}/api-keys", tag = "apps", params(("app_id" = Uuid, Path)),
    responses((status = 201, body = KeyView), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn create_key(
    State(services): App,
    Caller(caller): Caller,
    Path(id): Path<AppId>,
) -> ApiResult<(StatusCode, Json<KeyView>)> {
    Ok((StatusCode::CREATED, Json(apps::create_key(&services, &caller, id).await?.into())))
}

/// What a key may do; absent fields are unlimited.
#[derive(Deserialize, ToSchema)]
pub struct KeyLimitsBody {
    /// 0 is unlimited.
    #[serde(default)]
    requests_per_minute: u32,
    /// Runs at the same time; 0 is unlimited.
    #[serde(default)]
    concurrent_runs: u32,
    /// `run`, `logs`, `conversations`, `feedback`, `files`, `annotations`; null is all.
    scopes: Option<Vec<String>>,
}

#[utoipa::path(put, path = "/apps/{app_id}/api-keys/{api_key_id}", tag = "apps", request_body = KeyLimitsBody,
    params(("app_id" = Uuid, Path), ("api_key_id" = Uuid, Path)),
    responses((status = 200, body = KeyView), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn limit_key(
    State(services): App,
    Caller(caller): Caller,
    Path((id, key)): Path<(AppId, Uuid)>,
    Body(body): Body<KeyLimitsBody>,
) -> ApiResult<Json<KeyView>> {
    let KeyLimitsBody { requests_per_minute, concurrent_runs, scopes } = body;
    let change = KeyChange { requests_per_minute, concurrent_runs, scopes };
    Ok(Json(apps::limit_key(&services, &caller, id, key, change).await?.into()))
}

#[utoipa::path(delete, path = "/apps/{app_id}/api-keys/{api_key_id}", tag = "apps", params(("app_id" = Uuid, Path), ("api_key_id" = Uuid, Path)),
    responses((status = 204), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn delete_key(
    State(services): App,
    Caller(caller): Caller,
    Path((id, key)): Path<(AppId, Uuid)>,
) -> ApiResult<StatusCode> {
    apps::delete_key(&services, &caller, id, key).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[utoipa::path(post, path = "/apps/{app_id}/model-config", tag = "apps", request_body = Object, params(("app_id" = Uuid, Path)),
    responses((status = 200, body = Done), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn set_model_config(
    State(services): App,
    Caller(caller): Caller,
    Path(id): Path<AppId>,
    Body(body): Body<Document>,
) -> ApiResult<Json<Done>> {
    model_config::set(&services, &caller, id, &body).await?;
    Ok(Json(Done::SUCCESS))
}
