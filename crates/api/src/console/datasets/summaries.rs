//! Summaries of chunks: have them made, and see how far they are.

use std::sync::Arc;

use axum::{Json, extract::State};
use ox_app::{
    Services,
    knowledge::summaries::{self, ChunkStanding, Standing},
};
use ox_types::{DatasetId, DocumentId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use uuid::Uuid;

use super::{
    super::{App, guard::Caller, view::Done},
    checked, one,
};
use crate::{
    ApiResult,
    error::ErrorBody,
    extract::{Body, Path, Query},
    openapi::routes,
};

/// Characters of a summary that the list shows.
const SHOWN: usize = 100;
/// Chunks of one page.
const MOST: u64 = 1000;

pub fn router() -> OpenApiRouter<Arc<Services>> {
    OpenApiRouter::new().routes(routes!(generate)).routes(routes!(status))
}

/// Documents whose chunks are to get summaries.
#[derive(Deserialize, ToSchema)]
pub struct SummaryRequest {
    document_list: Vec<Uuid>,
}

/// Have the summaries of documents made, anew where there are some.
#[utoipa::path(post, path = "/datasets/{dataset_id}/documents/generate-summary", tag = "knowledge",
    params(("dataset_id" = Uuid, Path)), request_body = SummaryRequest,
    responses((status = 200, body = Done), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn generate(
    State(services): App,
    Caller(caller): Caller,
    Path(id): Path<DatasetId>,
    Body(body): Body<SummaryRequest>,
) -> ApiResult<Json<Done>> {
    let ids: Vec<DocumentId> = body.document_list.into_iter().map(DocumentId).collect();
    summaries::generate(&services, &caller, id, &ids).await?;
    Ok(Json(Done::SUCCESS))
}

const fn most() -> u64 {
    MOST
}

#[derive(Deserialize, IntoParams)]
struct StatusQuery {
    /// Ours.
    #[serde(default = "one")]
    page: u64,
    /// 1 to 1000; ours.
    #[serde(default = "most")]
    limit: u64,
}

/// How many summaries are how far.
#[derive(Serialize, ToSchema)]
pub struct SummaryCountsBody {
    not_started: u64,
    generating: u64,
    completed: u64,
    error: u64,
    timeout: u64,
}

/// How far the summary of a chunk is.
#[derive(Serialize, ToSchema)]
pub struct SummaryLine {
    segment_id: Uuid,
    segment_position: i32,
    /// `not_started`, `generating`, `completed`, `error` or `timeout`.
    status: String,
    /// How it begins.
    summary_preview: Option<String>,
    error: Option<String>,
    created_at: Option<i64>,
    updated_at: Option<i64>,
}

impl From<ChunkStanding> for SummaryLine {
    fn from(chunk: ChunkStanding) -> Self {
        let ChunkStanding { segment_id, position, summary } = chunk;
        let shown = |text: &String| {
            let mut begin: String = text.chars().take(SHOWN).collect();
            if begin.len() < text.len() {
                begin.push_str("...");
            }
            begin
        };
        Self {
            segment_id: segment_id.0,
            segment_position: position,
            summary_preview: summary.as_ref().and_then(|one| one.content.as_ref()).map(shown),
            error: summary.as_ref().and_then(|one| one.error.clone()),
            created_at: summary.as_ref().map(|one| one.created_at.timestamp()),
            updated_at: summary.as_ref().map(|one| one.updated_at.timestamp()),
            status: summary.map_or_else(|| "not_started".to_owned(), |one| one.status),
        }
    }
}

/// How far the summaries of a document are.
#[derive(Serialize, ToSchema)]
pub struct SummaryStatus {
    total_segments: u64,
    summary_status: SummaryCountsBody,
    /// One page of the chunks, by position.
    summaries: Vec<SummaryLine>,
}

impl From<Standing> for SummaryStatus {
    fn from(found: Standing) -> Self {
        let Standing { total, counts, chunks } = found;
        Self {
            total_segments: total,
            summary_status: SummaryCountsBody {
                not_started: counts.not_started,
                generating: counts.generating,
                completed: counts.completed,
                error: counts.error,
                timeout: counts.timeout,
            },
            summaries: chunks.into_iter().map(SummaryLine::from).collect(),
        }
    }
}

#[utoipa::path(get, path = "/datasets/{dataset_id}/documents/{document_id}/summary-status", tag = "knowledge",
    params(("dataset_id" = Uuid, Path), ("document_id" = Uuid, Path), StatusQuery),
    responses((status = 200, body = SummaryStatus), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn status(
    State(services): App,
    Caller(caller): Caller,
    Path((id, document)): Path<(DatasetId, DocumentId)>,
    Query(query): Query<StatusQuery>,
) -> ApiResult<Json<SummaryStatus>> {
    let limit = query.limit.min(MOST);
    checked(query.page, limit.min(100))?;
    Ok(Json(summaries::standing(&services, &caller, id, document, query.page, limit).await?.into()))
}
