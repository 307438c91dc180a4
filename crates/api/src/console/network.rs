//! Where the calls of the workspace may go.

use axum::{Json, extract::State};
use ox_app::{
    Services,
    network::{self, Network},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;

use super::{App, guard::Caller};
use crate::{ApiResult, error::ErrorBody, extract::Body, openapi::routes};

pub fn router() -> OpenApiRouter<std::sync::Arc<Services>> {
    OpenApiRouter::new().routes(routes!(read, write))
}

/// The network rules of the workspace.
#[derive(Serialize, ToSchema)]
pub struct NetworkView {
    /// Calls go to `allowed` and nowhere else.
    only_listed: bool,
    /// `host`, `.suffix`, an address or a range, each with `:port` if wanted.
    allowed: Vec<String>,
    /// Private destinations that calls may go to.
    private: Vec<String>,
    /// Whether the operator lets workspaces open private destinations.
    private_offered: bool,
}

impl NetworkView {
    fn of(services: &Services, rules: Network) -> Json<Self> {
        Json(Self {
            only_listed: rules.only_listed,
            allowed: rules.allowed,
            private: rules.private,
            private_offered: network::may_open_private(services),
        })
    }
}

/// New network rules.
#[derive(Deserialize, ToSchema)]
pub struct NetworkBody {
    #[serde(default)]
    only_listed: bool,
    #[serde(default)]
    allowed: Vec<String>,
    #[serde(default)]
    private: Vec<String>,
}

#[utoipa::path(get, path = "/workspaces/current/network-rules", tag = "workspace",
    responses((status = 200, body = NetworkView), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
async fn read(State(services): App, Caller(caller): Caller) -> ApiResult<Json<NetworkView>> {
    Ok(NetworkView::of(&services, network::get(&services, &caller).await?))
}

#[utoipa::path(put, path = "/workspaces/current/network-rules", tag = "workspace", request_body = NetworkBody,
    responses((status = 200, body = NetworkView), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
async fn write(
    State(services): App,
    Caller(caller): Caller,
    Body(body): Body<NetworkBody>,
) -> ApiResult<Json<NetworkView>> {
    let wanted = Network { only_listed: body.only_listed, allowed: body.allowed, private: body.private };
    Ok(NetworkView::of(&services, network::set(&services, &caller, wanted).await?))
}
