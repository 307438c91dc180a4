//! Files named by their address, in the console.

use axum::{Json, extract::State, http::StatusCode};
use ox_app::{Services, files::remote::Keeper};
use utoipa_axum::router::OpenApiRouter;

use super::{App, guard::Caller};
use crate::{
    ApiResult,
    error::ErrorBody,
    extract::{Body, Path},
    openapi::routes,
    remote_files::{self, KeptFile, RemoteFileBody, RemoteFileInfo},
};

pub fn router() -> OpenApiRouter<std::sync::Arc<Services>> {
    OpenApiRouter::new().routes(routes!(look)).routes(routes!(keep))
}

#[utoipa::path(get, path = "/remote-files/{url}", tag = "files", params(("url" = String, Path, description = "URL-encoded")),
    responses((status = 200, body = RemoteFileInfo), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody)))]
async fn look(
    State(services): App,
    Caller(caller): Caller,
    Path(url): Path<String>,
) -> ApiResult<Json<RemoteFileInfo>> {
    Ok(Json(remote_files::look(&services, caller.tenant_id(), &url).await?))
}

#[utoipa::path(post, path = "/remote-files/upload", tag = "files", request_body = RemoteFileBody,
    responses((status = 201, body = KeptFile), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 413, body = ErrorBody)))]
async fn keep(
    State(services): App,
    Caller(caller): Caller,
    Body(body): Body<RemoteFileBody>,
) -> ApiResult<(StatusCode, Json<KeptFile>)> {
    let keeper = Keeper { tenant_id: caller.tenant_id(), role: "account", id: caller.account_id()?.0 };
    Ok((StatusCode::CREATED, Json(remote_files::keep(&services, keeper, &body.url).await?)))
}
