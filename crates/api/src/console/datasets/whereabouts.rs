//! Where the vectors of knowledge bases are; ours.

use std::sync::Arc;

use axum::{Json, extract::State};
use ox_app::{
    Services,
    knowledge::{
        rebuilds,
        whereabouts::{self, Progress, Store},
    },
};
use ox_types::DatasetId;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;

use super::{App, Caller, rebuilds::IndexRebuildBody};
use crate::{ApiResult, error::ErrorBody, extract::Path, openapi::routes};

pub fn router() -> OpenApiRouter<Arc<Services>> {
    OpenApiRouter::new().routes(routes!(vector_store)).routes(routes!(index_state))
}

/// The store of all vectors.
#[derive(Serialize, ToSchema)]
pub struct VectorStoreBody {
    /// As in `VECTOR_STORE`; `embedded`: the local index.
    store: &'static str,
    /// It does not answer: what is in it is searched by words alone.
    is_away: bool,
}

impl From<Store> for VectorStoreBody {
    fn from(store: Store) -> Self {
        Self { store: store.name, is_away: store.is_away }
    }
}

/// How far the store is with one knowledge base.
#[derive(Serialize, ToSchema)]
pub struct IndexStateBody {
    store: &'static str,
    is_away: bool,
    /// Not all was in yet: until then the local index is asked.
    is_moving: bool,
    /// Changes that are in.
    done: u64,
    /// Changes there are.
    total: u64,
    /// The last time it was made anew or moved; null: never.
    rebuild: Option<IndexRebuildBody>,
}

#[utoipa::path(get, path = "/datasets/vector-store", tag = "knowledge",
    responses((status = 200, body = VectorStoreBody), (status = 401, body = ErrorBody)))]
async fn vector_store(State(services): App) -> Json<VectorStoreBody> {
    Json(whereabouts::store(&services).await.into())
}

#[utoipa::path(get, path = "/datasets/{dataset_id}/index-state", tag = "knowledge", params(("dataset_id" = Uuid, Path)),
    responses((status = 200, body = IndexStateBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn index_state(
    State(services): App,
    Caller(caller): Caller,
    Path(id): Path<DatasetId>,
) -> ApiResult<Json<IndexStateBody>> {
    let Progress { is_moving, done, total } = whereabouts::progress(&services, &caller, id).await?;
    let Store { name, is_away } = whereabouts::store(&services).await;
    let rebuild = rebuilds::last(&services, &caller, id).await?.map(IndexRebuildBody::from);
    Ok(Json(IndexStateBody { store: name, is_away, is_moving, done, total, rebuild }))
}
