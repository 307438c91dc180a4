//! Files named by their address, on published pages.

use axum::{Json, extract::State, http::StatusCode};
use ox_app::files::remote::Keeper;

use super::{App, Visitor};
use crate::{
    ApiResult,
    error::ErrorBody,
    extract::{Body, Path},
    remote_files::{self, KeptFile, RemoteFileBody, RemoteFileInfo},
};

/// What a file at an address is.
#[utoipa::path(get, path = "/remote-files/{url}", tag = "Web app", security(("passport" = [])),
    params(("url" = String, Path, description = "URL-encoded")),
    responses((status = 200, body = RemoteFileInfo), (status = 400, body = ErrorBody)))]
pub async fn look(
    State(services): App,
    Visitor(caller): Visitor,
    Path(url): Path<String>,
) -> ApiResult<Json<RemoteFileInfo>> {
    Ok(Json(remote_files::look(&services, caller.tenant_id(), &url).await?))
}

/// Fetch a file, to name it in a later message.
#[utoipa::path(post, path = "/remote-files/upload", tag = "Web app", security(("passport" = [])),
    request_body = RemoteFileBody,
    responses((status = 201, body = KeptFile), (status = 400, body = ErrorBody), (status = 413, body = ErrorBody)))]
pub async fn keep(
    State(services): App,
    Visitor(caller): Visitor,
    Body(body): Body<RemoteFileBody>,
) -> ApiResult<(StatusCode, Json<KeptFile>)> {
    let keeper = Keeper { tenant_id: caller.tenant_id(), role: caller.user.role(), id: caller.user.id() };
    Ok((StatusCode::CREATED, Json(remote_files::keep(&services, keeper, &body.url).await?)))
}
