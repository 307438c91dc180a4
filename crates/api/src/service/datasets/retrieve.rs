//! Looking something up in a knowledge base.

use std::sync::Arc;

use axum::{Json, extract::State};
use ox_app::{
    Error, Services,
    knowledge::hit_testing::{self, Trial},
};
use ox_types::{DatasetId, FileId};
use serde_json::{Map, Value as Json_};
use utoipa_axum::router::OpenApiRouter;

use super::{App, Fields, KeyHolder, given};
use crate::{
    ApiResult,
    error::ErrorBody,
    extract::{Body, Path},
    knowledge::hits::{HitRequest, Hits},
    openapi::routes,
};

pub fn router() -> OpenApiRouter<Arc<Services>> {
    OpenApiRouter::new().routes(routes!(retrieve)).routes(routes!(retrieve_by_old_name))
}

/// The files of pictures that are asked with.
fn files(given: Option<Json_>) -> ApiResult<Vec<FileId>> {
    let wrong = |_| Error::invalid_field("attachment_ids", "attachment_ids must be ids.");
    let ids: Option<Vec<FileId>> = given.map(serde_json::from_value).transpose().map_err(wrong)?.flatten();
    Ok(ids.unwrap_or_default())
}

/// The chunks that answer a question, the best first.
#[utoipa::path(post, path = "/datasets/{dataset_id}/retrieve", tag = "Knowledge", security(("app_key" = [])),
    params(("dataset_id" = Uuid, Path)), request_body = HitRequest,
    responses((status = 200, body = Hits), (status = 400, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn retrieve(
    State(services): App,
    KeyHolder(caller): KeyHolder,
    Path(id): Path<DatasetId>,
    Body(map): Body<Map<String, Json_>>,
) -> ApiResult<Json<Hits>> {
    let mut fields = Fields::new("HitTestingPayload", map);
    let query = fields.optional_text("query").unwrap_or_default();
    let trial = Trial {
        question: query.clone(),
        retrieval_model: given(&mut fields, "retrieval_model"),
        external_retrieval_model: given(&mut fields, "external_retrieval_model"),
        metadata_filtering_conditions: given(&mut fields, "metadata_filtering_conditions"),
        attachments: files(given(&mut fields, "attachment_ids"))?,
    };
    fields.finish()?;
    let found = hit_testing::find(&services, &caller, id, trial).await?;
    Ok(Json(Hits::new(&services, query, found)))
}

/// The same, by the name it had.
#[utoipa::path(post, path = "/datasets/{dataset_id}/hit-testing", tag = "Knowledge", security(("app_key" = [])),
    params(("dataset_id" = Uuid, Path)), request_body = HitRequest,
    responses((status = 200, body = Hits), (status = 400, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn retrieve_by_old_name(
    app: App,
    caller: KeyHolder,
    id: Path<DatasetId>,
    body: Body<Map<String, Json_>>,
) -> ApiResult<Json<Hits>> {
    retrieve(app, caller, id, body).await
}
