//! API extensions of the workspace.

use axum::{Json, extract::State, http::StatusCode};
use ox_app::{
    Error, Services,
    extensions::{self, ExtensionForm, ExtensionView},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use uuid::Uuid;

use super::{App, guard::Caller, view::seconds};
use crate::{
    ApiResult,
    error::ErrorBody,
    extract::{Body, Path, Query},
    openapi::routes,
};

pub fn router() -> OpenApiRouter<std::sync::Arc<Services>> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(read, update, delete)).routes(routes!(by_code))
}

/// A service of the workspace that is asked about inputs and answers.
#[derive(Serialize, ToSchema)]
pub struct ApiExtension {
    id: Uuid,
    name: String,
    api_endpoint: String,
    /// Masked.
    api_key: String,
    created_at: i64,
}

impl From<ExtensionView> for ApiExtension {
    fn from(view: ExtensionView) -> Self {
        Self {
            id: view.id,
            name: view.name,
            api_endpoint: view.api_endpoint,
            api_key: view.api_key,
            created_at: seconds(view.created_at),
        }
    }
}

/// What an API extension is made of.
#[derive(Deserialize, ToSchema)]
pub struct ApiExtensionBody {
    name: String,
    api_endpoint: String,
    /// At least 5 characters; `[__HIDDEN__]` keeps the stored one.
    api_key: String,
}

impl From<ApiExtensionBody> for ExtensionForm {
    fn from(body: ApiExtensionBody) -> Self {
        Self { name: body.name, api_endpoint: body.api_endpoint, api_key: body.api_key }
    }
}

#[utoipa::path(get, path = "/api-based-extension", tag = "extensions",
    responses((status = 200, body = Vec<ApiExtension>), (status = 401, body = ErrorBody)))]
async fn list(State(services): App, Caller(caller): Caller) -> ApiResult<Json<Vec<ApiExtension>>> {
    let all = extensions::list(&services, &caller).await?;
    Ok(Json(all.into_iter().map(ApiExtension::from).collect()))
}

#[utoipa::path(post, path = "/api-based-extension", tag = "extensions", request_body = ApiExtensionBody,
    responses((status = 201, body = ApiExtension), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
async fn create(
    State(services): App,
    Caller(caller): Caller,
    Body(body): Body<ApiExtensionBody>,
) -> ApiResult<(StatusCode, Json<ApiExtension>)> {
    let made = extensions::create(&services, &caller, body.into()).await?;
    Ok((StatusCode::CREATED, Json(made.into())))
}

#[utoipa::path(get, path = "/api-based-extension/{extension_id}", tag = "extensions", params(("extension_id" = Uuid, Path)),
    responses((status = 200, body = ApiExtension), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn read(State(services): App, Caller(caller): Caller, Path(id): Path<Uuid>) -> ApiResult<Json<ApiExtension>> {
    Ok(Json(extensions::get(&services, &caller, id).await?.into()))
}

#[utoipa::path(post, path = "/api-based-extension/{extension_id}", tag = "extensions", request_body = ApiExtensionBody,
    params(("extension_id" = Uuid, Path)),
    responses((status = 200, body = ApiExtension), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn update(
    State(services): App,
    Caller(caller): Caller,
    Path(id): Path<Uuid>,
    Body(body): Body<ApiExtensionBody>,
) -> ApiResult<Json<ApiExtension>> {
    Ok(Json(extensions::update(&services, &caller, id, body.into()).await?.into()))
}

#[utoipa::path(delete, path = "/api-based-extension/{extension_id}", tag = "extensions", params(("extension_id" = Uuid, Path)),
    responses((status = 204), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn delete(State(services): App, Caller(caller): Caller, Path(id): Path<Uuid>) -> ApiResult<StatusCode> {
    extensions::delete(&services, &caller, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize, IntoParams)]
struct ModuleQuery {
    /// `moderation` or `external_data_tool`.
    module: String,
}

/// Extensions written in code for one purpose: this server has none.
#[derive(Serialize, ToSchema)]
pub struct CodeExtensions {
    module: String,
    data: Vec<serde_json::Value>,
}

#[utoipa::path(get, path = "/code-based-extension", tag = "extensions", params(ModuleQuery),
    responses((status = 200, body = CodeExtensions), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody)))]
async fn by_code(Query(query): Query<ModuleQuery>) -> ApiResult<Json<CodeExtensions>> {
    let known = ["moderation", "external_data_tool"].contains(&query.module.as_str());
    if !known {
        return Err(Error::invalid_field("module", "module must be moderation or external_data_tool").into());
    }
    std::future::ready(Ok(Json(CodeExtensions { module: query.module, data: Vec::new() }))).await
}
