//! Logs, ratings and annotations as files, sent while they are read.

use axum::{
    body::Body,
    extract::State,
    http::{HeaderValue, header},
    response::Response,
};
use futures::StreamExt as _;
use ox_app::{
    Error, Services,
    exports::{self, Export, FeedbackQuery, Format, LogQuery},
    logs,
};
use ox_types::AppId;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;

use super::{App, guard::Caller, logs::iso};
use crate::{
    ApiResult,
    error::ErrorBody,
    extract::{Path, Query},
    openapi::routes,
};

pub fn router() -> OpenApiRouter<std::sync::Arc<Services>> {
    OpenApiRouter::new().routes(routes!(log)).routes(routes!(feedbacks))
}

/// An answer whose body is made while it is sent.
pub(super) fn file(export: Export) -> Response {
    let body = export.body.map(|piece| {
        piece.map_err(|error| {
            tracing::error!(%error, "an export broke off");
            std::io::Error::other(error.message)
        })
    });
    let mut response = Response::new(Body::from_stream(body));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(export.mime));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Ok(value) = HeaderValue::from_str(&format!("attachment; filename=\"{}\"", export.filename)) {
        headers.insert(header::CONTENT_DISPOSITION, value);
    }
    response
}

fn flag(name: &str, text: Option<&str>) -> Result<Option<bool>, Error> {
    match text.filter(|text| !text.is_empty()).map(str::to_ascii_lowercase).as_deref() {
        None => Ok(None),
        Some("true" | "1" | "yes" | "on") => Ok(Some(true)),
        Some("false" | "0" | "no" | "off") => Ok(Some(false)),
        Some(_) => Err(Error::invalid_field(name, format!("{name} must be true or false."))),
    }
}

#[derive(Deserialize, IntoParams)]
struct LogExportQuery {
    /// `csv` (default) or `jsonl`.
    format: Option<String>,
    keyword: Option<String>,
    /// `succeeded`, `failed`, `stopped` or `partial-succeeded`; of messages the first two.
    status: Option<String>,
    /// ISO 8601.
    #[serde(rename = "created_at__before")]
    before: Option<String>,
    #[serde(rename = "created_at__after")]
    after: Option<String>,
    created_by_end_user_session_id: Option<String>,
    /// Id or e-mail address of a member.
    created_by_account: Option<String>,
    /// `all` (default), `annotated` or `not_annotated`: of messages.
    annotation_status: Option<String>,
}

#[utoipa::path(get, path = "/apps/{app_id}/logs/export", tag = "logs", params(("app_id" = Uuid, Path), LogExportQuery),
    responses((status = 200, description = "The runs of a workflow, or the messages of another app with ratings and annotations", content_type = "text/csv"),
        (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn log(
    State(services): App,
    Caller(caller): Caller,
    Path(id): Path<AppId>,
    Query(query): Query<LogExportQuery>,
) -> ApiResult<Response> {
    let format = Format::read(query.format.as_deref(), &["csv", "jsonl"])?;
    let filled = |text: Option<String>| text.filter(|text| !text.is_empty());
    let annotated = match query.annotation_status.as_deref() {
        None | Some("" | "all") => None,
        Some("annotated") => Some(true),
        Some("not_annotated") => Some(false),
        Some(_) => {
            let text = "annotation_status must be all, annotated or not_annotated.";
            return Err(Error::invalid_field("annotation_status", text).into());
        }
    };
    let wanted = LogQuery {
        after: iso("created_at__after", query.after.as_ref())?,
        before: iso("created_at__before", query.before.as_ref())?,
        keyword: filled(query.keyword),
        status: filled(query.status),
        end_user_session: filled(query.created_by_end_user_session_id),
        account: logs::runner(&services, &caller, query.created_by_account.as_deref()).await?,
        annotated,
    };
    Ok(file(exports::log(&services, &caller, id, wanted, format).await?))
}

#[derive(Deserialize, IntoParams)]
struct FeedbackExportQuery {
    /// `csv` (default) or `json`.
    format: Option<String>,
    /// `user` or `admin`.
    from_source: Option<String>,
    /// `like` or `dislike`.
    rating: Option<String>,
    has_comment: Option<String>,
    /// `YYYY-MM-DD` in the account's time zone; both days count.
    start_date: Option<String>,
    end_date: Option<String>,
}

#[utoipa::path(get, path = "/apps/{app_id}/feedbacks/export", tag = "logs", params(("app_id" = Uuid, Path), FeedbackExportQuery),
    responses((status = 200, description = "The ratings with what was rated", content_type = "text/csv"),
        (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn feedbacks(
    State(services): App,
    Caller(caller): Caller,
    Path(id): Path<AppId>,
    Query(query): Query<FeedbackExportQuery>,
) -> ApiResult<Response> {
    let format = Format::read(query.format.as_deref(), &["csv", "json"])?;
    let wanted = FeedbackQuery {
        has_comment: flag("has_comment", query.has_comment.as_deref())?,
        from_source: query.from_source,
        rating: query.rating,
        start_date: query.start_date,
        end_date: query.end_date,
    };
    Ok(file(exports::feedbacks(&services, &caller, id, wanted, format).await?))
}
