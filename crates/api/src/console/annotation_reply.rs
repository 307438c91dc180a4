//! Answers from annotations.

use std::sync::Arc;

use axum::{Json, extract::State};
use ox_app::{
    Services,
    annotation_reply::{self, Action},
    model::AnnotationSetting,
};
use ox_types::AppId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use uuid::Uuid;

use super::{App, guard::Caller};
use crate::{
    ApiResult,
    annotation_reply::{ReplyJob, ReplyJobState, ReplyRequest},
    error::ErrorBody,
    extract::{Body, Path},
    openapi::routes,
};

pub fn router() -> OpenApiRouter<Arc<Services>> {
    OpenApiRouter::new().routes(routes!(setting)).routes(routes!(set)).routes(routes!(switch)).routes(routes!(state))
}

/// The model that compares questions.
#[derive(Serialize, ToSchema)]
pub struct ReplyModel {
    embedding_provider_name: String,
    embedding_model_name: String,
}

/// Whether an app answers from its annotations, and how.
#[derive(Serialize, ToSchema)]
pub struct ReplySetting {
    enabled: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    score_threshold: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    embedding_model: Option<ReplyModel>,
}

impl From<Option<AnnotationSetting>> for ReplySetting {
    fn from(setting: Option<AnnotationSetting>) -> Self {
        let Some(setting) = setting else {
            return Self { enabled: false, id: None, score_threshold: None, embedding_model: None };
        };
        let model = ReplyModel {
            embedding_provider_name: setting.embedding_provider,
            embedding_model_name: setting.embedding_model,
        };
        Self {
            enabled: true,
            id: Some(setting.id),
            score_threshold: Some(setting.score_threshold),
            embedding_model: Some(model),
        }
    }
}

#[utoipa::path(get, path = "/apps/{app_id}/annotation-setting", tag = "annotations", params(("app_id" = Uuid, Path)),
    responses((status = 200, body = ReplySetting), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn setting(State(services): App, Caller(caller): Caller, Path(id): Path<AppId>) -> ApiResult<Json<ReplySetting>> {
    Ok(Json(annotation_reply::setting(&services, &caller, id).await?.into()))
}

/// Another threshold.
#[derive(Deserialize, ToSchema)]
pub struct ReplyThreshold {
    /// 0 to 1.
    score_threshold: f64,
}

#[utoipa::path(post, path = "/apps/{app_id}/annotation-settings/{annotation_setting_id}", tag = "annotations",
    params(("app_id" = Uuid, Path), ("annotation_setting_id" = Uuid, Path)), request_body = ReplyThreshold,
    responses((status = 200, body = ReplySetting), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn set(
    State(services): App,
    Caller(caller): Caller,
    Path((id, setting)): Path<(AppId, Uuid)>,
    Body(body): Body<ReplyThreshold>,
) -> ApiResult<Json<ReplySetting>> {
    let kept = annotation_reply::set_threshold(&services, &caller, id, setting, body.score_threshold).await?;
    Ok(Json(Some(kept).into()))
}

#[utoipa::path(post, path = "/apps/{app_id}/annotation-reply/{action}", tag = "annotations",
    params(("app_id" = Uuid, Path), ("action" = String, Path, description = "`enable` or `disable`")), request_body = ReplyRequest,
    responses((status = 200, body = ReplyJob), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn switch(
    State(services): App,
    Caller(caller): Caller,
    Path((id, action)): Path<(AppId, String)>,
    Body(body): Body<ReplyRequest>,
) -> ApiResult<Json<ReplyJob>> {
    let action = Action::of(&action)?;
    Ok(Json(annotation_reply::switch(&services, &caller, id, action, body.into()).await?.into()))
}

#[utoipa::path(get, path = "/apps/{app_id}/annotation-reply/{action}/status/{job_id}", tag = "annotations",
    params(("app_id" = Uuid, Path), ("action" = String, Path, description = "`enable` or `disable`"), ("job_id" = Uuid, Path)),
    responses((status = 200, body = ReplyJobState), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn state(
    State(services): App,
    Caller(caller): Caller,
    Path((id, action, job)): Path<(AppId, String, Uuid)>,
) -> ApiResult<Json<ReplyJobState>> {
    let action = Action::of(&action)?;
    Ok(Json(annotation_reply::job(&services, &caller, id, action, job).await?.into()))
}
