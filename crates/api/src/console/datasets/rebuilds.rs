//! Making the index of a knowledge base anew; ours.

use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode};
use ox_app::{
    Services,
    knowledge::rebuilds::{self, RebuildView},
};
use ox_types::DatasetId;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;

use super::{App, Caller};
use crate::{ApiResult, error::ErrorBody, extract::Path, openapi::routes};

pub fn router() -> OpenApiRouter<Arc<Services>> {
    OpenApiRouter::new().routes(routes!(start)).routes(routes!(stop))
}

/// The last rebuild or move of an index, from here or by `oxidify index`.
#[derive(Serialize, ToSchema)]
pub struct IndexRebuildBody {
    /// `rebuild` or `move`.
    kind: String,
    /// `studio` or `command`.
    origin: String,
    /// What is worked on: `local`, or the name of a vector store.
    target: String,
    /// `running`, `completed`, `error`, `stopped` or `interrupted`: its process is gone. What was begun in the Studio
    /// is taken over then.
    status: &'static str,
    /// `waiting`, `reading` or `graph`.
    phase: String,
    /// Of this phase: changes that were read, or vectors in the graph.
    done: u64,
    total: u64,
    /// A second, in this phase.
    rate: Option<u64>,
    /// Of this phase.
    seconds_left: Option<u64>,
    /// It can be stopped now.
    can_stop: bool,
    error: Option<String>,
    started_at: i64,
    updated_at: i64,
    finished_at: Option<i64>,
}

impl From<RebuildView> for IndexRebuildBody {
    fn from(view: RebuildView) -> Self {
        Self {
            kind: view.kind,
            origin: view.origin,
            target: view.target,
            status: view.state.as_str(),
            phase: view.phase,
            done: view.done,
            total: view.total,
            rate: view.rate,
            seconds_left: view.seconds_left,
            can_stop: view.can_stop,
            error: view.error,
            started_at: view.started_at.timestamp(),
            updated_at: view.updated_at.timestamp(),
            finished_at: view.finished_at.map(|at| at.timestamp()),
        }
    }
}

#[utoipa::path(post, path = "/datasets/{dataset_id}/index-rebuild", tag = "knowledge", params(("dataset_id" = Uuid, Path)),
    responses((status = 202, body = IndexRebuildBody), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody)))]
async fn start(
    State(services): App,
    Caller(caller): Caller,
    Path(id): Path<DatasetId>,
) -> ApiResult<(StatusCode, Json<IndexRebuildBody>)> {
    Ok((StatusCode::ACCEPTED, Json(rebuilds::start(&services, &caller, id).await?.into())))
}

#[utoipa::path(post, path = "/datasets/{dataset_id}/index-rebuild/stop", tag = "knowledge", params(("dataset_id" = Uuid, Path)),
    responses((status = 200, body = IndexRebuildBody), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody)))]
async fn stop(
    State(services): App,
    Caller(caller): Caller,
    Path(id): Path<DatasetId>,
) -> ApiResult<Json<IndexRebuildBody>> {
    Ok(Json(rebuilds::stop(&services, &caller, id).await?.into()))
}
