//! Apps as files.

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use ox_app::{
    Error, Services,
    imports::{self, ImportRequest, ImportResult},
};
use ox_types::{AppId, WorkflowId};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use uuid::Uuid;

use super::{App, guard::Caller};
use crate::{
    ApiResult,
    error::ErrorBody,
    extract::{Body, Path, Query},
    openapi::routes,
};

pub fn router() -> OpenApiRouter<std::sync::Arc<Services>> {
    OpenApiRouter::new()
        .routes(routes!(import))
        .routes(routes!(confirm))
        .routes(routes!(check_dependencies))
        .routes(routes!(export))
}

/// A file to import.
#[derive(Deserialize, ToSchema)]
pub struct ImportBody {
    /// `yaml-content` or `yaml-url`.
    mode: String,
    yaml_content: Option<String>,
    yaml_url: Option<String>,
    /// Overwrite the draft of this workflow app.
    #[schema(value_type = Option<Uuid>)]
    app_id: Option<AppId>,
    name: Option<String>,
    description: Option<String>,
    icon_type: Option<String>,
    icon: Option<String>,
    icon_background: Option<String>,
}

/// What became of an import.
#[derive(Serialize, ToSchema)]
pub struct ImportView {
    id: Uuid,
    /// `completed`, `completed-with-warnings`, `pending` (confirm within ten minutes) or `failed`.
    status: &'static str,
    #[schema(value_type = Option<Uuid>)]
    app_id: Option<AppId>,
    app_mode: Option<String>,
    current_dsl_version: &'static str,
    imported_dsl_version: String,
    error: String,
}

fn answer(result: ImportResult) -> Response {
    let status = StatusCode::from_u16(result.status.http_status()).unwrap_or(StatusCode::OK);
    let view = ImportView {
        id: result.id,
        status: result.status.as_str(),
        app_id: result.app_id,
        app_mode: result.app_mode,
        current_dsl_version: ImportResult::current_version(),
        imported_dsl_version: result.imported_dsl_version,
        error: result.error,
    };
    (status, Json(view)).into_response()
}

#[utoipa::path(post, path = "/apps/imports", tag = "imports", request_body = ImportBody,
    responses((status = 200, body = ImportView), (status = 202, body = ImportView), (status = 400, body = Object), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
async fn import(State(services): App, Caller(caller): Caller, Body(body): Body<ImportBody>) -> ApiResult<Response> {
    let filled = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
    let source = match body.mode.as_str() {
        "yaml-content" => filled(body.yaml_content)
            .ok_or_else(|| "yaml_content is required when import_mode is yaml-content".to_owned()),
        "yaml-url" => match filled(body.yaml_url) {
            Some(url) => imports::fetch(&services, &caller, &url).await,
            None => Err("yaml_url is required when import_mode is yaml-url".to_owned()),
        },
        other => return Err(Error::invalid(format!("Invalid import_mode: {other}")).into()),
    };
    let yaml_content = match source {
        Ok(text) => text,
        Err(text) => return Ok(answer(ImportResult::failed(text))),
    };
    let request = ImportRequest {
        yaml_content,
        app_id: body.app_id,
        name: filled(body.name),
        description: filled(body.description),
        icon_type: filled(body.icon_type),
        icon: filled(body.icon),
        icon_background: filled(body.icon_background),
    };
    Ok(answer(imports::import(&services, &caller, request).await?))
}

#[utoipa::path(post, path = "/apps/imports/{import_id}/confirm", tag = "imports", params(("import_id" = Uuid, Path)),
    responses((status = 200, body = ImportView), (status = 400, body = Object), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn confirm(State(services): App, Caller(caller): Caller, Path(id): Path<Uuid>) -> ApiResult<Response> {
    Ok(answer(imports::confirm(&services, &caller, id).await?))
}

#[utoipa::path(get, path = "/apps/imports/{app_id}/check-dependencies", tag = "imports", params(("app_id" = Uuid, Path)),
    responses((status = 200, body = Object), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn check_dependencies(
    State(services): App,
    Caller(caller): Caller,
    Path(id): Path<AppId>,
) -> ApiResult<Json<Value>> {
    let missing = imports::missing_dependencies(&services, &caller, id).await?;
    Ok(Json(json!({"leaked_dependencies": missing})))
}

#[derive(Deserialize, IntoParams)]
struct ExportQuery {
    #[serde(default)]
    include_secret: Option<String>,
    workflow_id: Option<String>,
}

/// A file.
#[derive(Serialize, ToSchema)]
pub struct Exported {
    /// YAML text.
    data: String,
}

#[utoipa::path(get, path = "/apps/{app_id}/export", tag = "imports", params(("app_id" = Uuid, Path), ExportQuery),
    responses((status = 200, body = Exported), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn export(
    State(services): App,
    Caller(caller): Caller,
    Path(id): Path<AppId>,
    Query(query): Query<ExportQuery>,
) -> ApiResult<Json<Exported>> {
    let secrets = query.include_secret.is_some_and(|text| matches!(text.as_str(), "true" | "1" | "yes"));
    let version = query.workflow_id.filter(|id| !id.is_empty()).map(|id| id.parse::<WorkflowId>());
    let version =
        version.transpose().map_err(|_| Error::invalid_field("workflow_id", "workflow_id must be a valid UUID"))?;
    let data = imports::export(&services, &caller, id, secrets, version).await?;
    Ok(Json(Exported { data }))
}
