//! Providers made of OpenAPI documents.

use std::sync::Arc;

use axum::{Json, extract::State};
use ox_app::{
    Services,
    tools::apis::{self, ApiForm, ApiTrial},
};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;

use super::shown;
use crate::{
    ApiResult,
    console::{App, guard::Caller, view::Done},
    error::ErrorBody,
    extract::{Body, Query},
    openapi::routes,
};

pub fn router() -> OpenApiRouter<Arc<Services>> {
    OpenApiRouter::new()
        .routes(routes!(add))
        .routes(routes!(update))
        .routes(routes!(delete))
        .routes(routes!(get))
        .routes(routes!(tools))
        .routes(routes!(remote))
        .routes(routes!(schema))
        .routes(routes!(test))
}

/// What a provider is made of.
#[derive(Deserialize, ToSchema)]
pub struct ApiToolBody {
    provider: String,
    /// The name it has so far; only when changing.
    original_provider: Option<String>,
    schema: String,
    /// `openapi`, `swagger`, `openai_plugin`, `openai_actions`.
    schema_type: String,
    #[schema(value_type = Object)]
    credentials: Map<String, Value>,
    /// `{content, background}`
    #[schema(value_type = Object)]
    #[serde(default)]
    icon: Value,
    privacy_policy: Option<String>,
    custom_disclaimer: Option<String>,
    #[serde(default)]
    labels: Option<Vec<String>>,
}

impl From<ApiToolBody> for ApiForm {
    fn from(body: ApiToolBody) -> Self {
        Self {
            provider: body.provider,
            schema: body.schema,
            schema_type: body.schema_type,
            credentials: body.credentials,
            icon: body.icon,
            privacy_policy: body.privacy_policy,
            custom_disclaimer: body.custom_disclaimer,
            labels: body.labels.unwrap_or_default(),
        }
    }
}

#[utoipa::path(post, path = "/workspaces/current/tool-provider/api/add", tag = "tools", request_body = ApiToolBody,
    responses((status = 200, body = Done), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
async fn add(State(services): App, Caller(caller): Caller, Body(body): Body<ApiToolBody>) -> ApiResult<Json<Done>> {
    apis::add(&services, &caller, body.into()).await?;
    Ok(Json(Done::SUCCESS))
}

#[utoipa::path(post, path = "/workspaces/current/tool-provider/api/update", tag = "tools", request_body = ApiToolBody,
    responses((status = 200, body = Done), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
async fn update(State(services): App, Caller(caller): Caller, Body(body): Body<ApiToolBody>) -> ApiResult<Json<Done>> {
    let original = body.original_provider.clone().unwrap_or_else(|| body.provider.clone());
    apis::update(&services, &caller, &original, body.into()).await?;
    Ok(Json(Done::SUCCESS))
}

/// Names a provider.
#[derive(Deserialize, IntoParams, ToSchema)]
pub struct ApiToolName {
    provider: String,
}

#[utoipa::path(post, path = "/workspaces/current/tool-provider/api/delete", tag = "tools", request_body = ApiToolName,
    responses((status = 200, body = Done), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
async fn delete(State(services): App, Caller(caller): Caller, Body(body): Body<ApiToolName>) -> ApiResult<Json<Done>> {
    apis::delete(&services, &caller, &body.provider).await?;
    Ok(Json(Done::SUCCESS))
}

#[utoipa::path(get, path = "/workspaces/current/tool-provider/api/get", tag = "tools", params(ApiToolName),
    responses((status = 200, body = Object), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody)))]
async fn get(State(services): App, Caller(caller): Caller, Query(query): Query<ApiToolName>) -> ApiResult<Json<Value>> {
    let found = apis::get(&services, &caller, &query.provider).await?;
    Ok(Json(json!({
        "schema_type": found.schema_type, "schema": found.schema, "tools": found.bundles, "icon": found.icon,
        "description": found.description, "credentials": found.credentials, "privacy_policy": found.privacy_policy,
        "custom_disclaimer": found.custom_disclaimer, "labels": found.labels, "redirect_uri": found.redirect_uri,
    })))
}

#[utoipa::path(get, path = "/workspaces/current/tool-provider/api/tools", tag = "tools", params(ApiToolName),
    responses((status = 200, body = Vec<Object>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody)))]
async fn tools(
    State(services): App,
    Caller(caller): Caller,
    Query(query): Query<ApiToolName>,
) -> ApiResult<Json<Value>> {
    shown(apis::tools(&services, &caller, &query.provider).await?)
}

#[derive(Deserialize, IntoParams)]
struct RemoteQuery {
    url: String,
}

#[utoipa::path(get, path = "/workspaces/current/tool-provider/api/remote", tag = "tools", params(RemoteQuery),
    responses((status = 200, body = Object), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
async fn remote(
    State(services): App,
    Caller(caller): Caller,
    Query(query): Query<RemoteQuery>,
) -> ApiResult<Json<Value>> {
    Ok(Json(json!({"schema": apis::remote(&services, &caller, &query.url).await?})))
}

/// A document.
#[derive(Deserialize, ToSchema)]
pub struct ApiToolSchema {
    schema: String,
}

#[utoipa::path(post, path = "/workspaces/current/tool-provider/api/schema", tag = "tools", request_body = ApiToolSchema,
    responses((status = 200, body = Object), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody)))]
async fn schema(
    State(services): App,
    Caller(caller): Caller,
    Body(body): Body<ApiToolSchema>,
) -> ApiResult<Json<Value>> {
    let read = apis::read(&services, &caller, &body.schema).await?;
    Ok(Json(json!({
        "schema_type": read.kind, "parameters_schema": read.bundles, "warning": read.warnings,
        "credentials_schema": credentials_schema(), "oauth": read.oauth,
    })))
}

/// The form by which calls are signed.
fn credentials_schema() -> Value {
    let option = |value: &str, en: &str, zh: &str| json!({"value": value, "label": {"en_US": en, "zh_Hans": zh}});
    let field = |name: &str, kind: &str, required: bool, default: &str, en: &str, zh: &str| {
        json!({"name": name, "type": kind, "required": required, "default": default, "label": {"en_US": en, "zh_Hans": zh},
            "placeholder": {"en_US": en, "zh_Hans": zh}})
    };
    let mut kind = field("auth_type", "select", true, "none", "Authorization", "鉴权方式");
    kind["options"] = json!([
        option("none", "None", "无"),
        option("api_key_header", "API key in a header", "请求头中的 API 密钥"),
        option("api_key_query", "API key in the query", "查询参数中的 API 密钥"),
        option("oauth2", "OAuth sign-in", "OAuth 登录"),
    ]);
    json!([
        kind,
        field("api_key_header", "text-input", false, "Authorization", "Header", "请求头"),
        field("api_key_value", "secret-input", true, "", "API key", "API 密钥"),
    ])
}

/// A call to try out.
#[derive(Deserialize, ToSchema)]
pub struct ApiToolTest {
    tool_name: String,
    provider_name: Option<String>,
    #[schema(value_type = Object)]
    credentials: Map<String, Value>,
    #[schema(value_type = Object)]
    parameters: Map<String, Value>,
    #[serde(rename = "schema_type")]
    _schema_type: String,
    schema: String,
}

#[utoipa::path(post, path = "/workspaces/current/tool-provider/api/test/pre", tag = "tools", request_body = ApiToolTest,
    responses((status = 200, body = Object, description = "`result`, or `error` when the call fails"), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
async fn test(State(services): App, Caller(caller): Caller, Body(body): Body<ApiToolTest>) -> ApiResult<Json<Value>> {
    let trial = ApiTrial {
        provider: body.provider_name,
        tool: body.tool_name,
        schema: body.schema,
        credentials: body.credentials,
        parameters: body.parameters,
    };
    Ok(Json(match apis::test(&services, &caller, trial).await? {
        Ok(result) => json!({"result": result}),
        Err(error) => json!({"error": error}),
    }))
}
