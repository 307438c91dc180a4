//! `/health…` and `/metrics`.

use std::{net::SocketAddr, sync::Arc};

use axum::{
    Json, Router,
    extract::{ConnectInfo, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use ox_app::{Error, Services, health};

use crate::ApiError;

/// Routes for probes and monitoring; no session, no tenant data.
pub fn router(services: &Arc<Services>) -> Router {
    Router::new()
        .route("/health", get(report))
        .route("/health/live", get(|| async { StatusCode::OK }))
        .route("/health/ready", get(ready))
        .route("/health/startup", get(ready))
        .route("/metrics", get(metrics))
        .with_state(Arc::clone(services))
}

async fn report(State(services): State<Arc<Services>>) -> Json<health::Report> {
    Json(health::report(&services).await)
}

async fn ready(State(services): State<Arc<Services>>) -> StatusCode {
    if health::ready(&services).await { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }
}

/// Prometheus text, for callers on a private address or with the token.
async fn metrics(
    State(services): State<Arc<Services>>,
    peer: Option<axum::Extension<ConnectInfo<SocketAddr>>>,
    headers: HeaderMap,
) -> Response {
    let token = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|v| v.strip_prefix("Bearer "));
    let by_token = services.settings.metrics_token.as_deref().is_some_and(|expected| token == Some(expected));
    let by_address = services.settings.metrics_token.is_none()
        && peer.is_none_or(|axum::Extension(ConnectInfo(address))| health::is_private(address.ip()));
    if !by_token && !by_address {
        return ApiError(Error::forbidden(
            "Metrics are served to private addresses, or with the token of OXIDIFY_METRICS_TOKEN.",
        ))
        .into_response();
    }
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], health::metrics(&services)).into_response()
}
