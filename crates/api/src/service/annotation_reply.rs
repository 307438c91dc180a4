//! Switching answers from annotations on and off, with an app's key.

use axum::{Json, extract::State};
use ox_app::annotation_reply::{self, Action, ReplyForm};
use serde_json::{Map, Value as Json_};
use uuid::Uuid;

use super::{App, KeyApp, fields::Fields};
use crate::{
    ApiResult,
    annotation_reply::{ReplyJob, ReplyJobState, ReplyRequest},
    error::ErrorBody,
    extract::{Body, Path},
};

/// Switch answers from annotations on or off.
#[utoipa::path(post, path = "/apps/annotation-reply/{action}", tag = "Annotations", security(("app_key" = [])),
    params(("action" = String, Path, description = "`enable` or `disable`")), request_body = ReplyRequest,
    responses((status = 200, body = ReplyJob), (status = 400, body = ErrorBody)))]
pub async fn switch(
    State(services): App,
    KeyApp(app): KeyApp,
    Path(action): Path<String>,
    Body(map): Body<Map<String, Json_>>,
) -> ApiResult<Json<ReplyJob>> {
    let action = Action::of(&action)?;
    let mut fields = Fields::new("AnnotationReplyActionPayload", map);
    let threshold = fields.value("score_threshold");
    if !threshold.is_number() {
        fields.problem("score_threshold", "Input should be a valid number [type=float_type]");
    }
    let form = ReplyForm {
        score_threshold: threshold.as_f64().unwrap_or_default(),
        embedding_provider_name: fields.text("embedding_provider_name"),
        embedding_model_name: fields.text("embedding_model_name"),
    };
    fields.finish()?;
    Ok(Json(annotation_reply::switch_keyed(&services, &app, action, form).await?.into()))
}

/// What became of switching.
#[utoipa::path(get, path = "/apps/annotation-reply/{action}/status/{job_id}", tag = "Annotations", security(("app_key" = [])),
    params(("action" = String, Path, description = "`enable` or `disable`"), ("job_id" = Uuid, Path)),
    responses((status = 200, body = ReplyJobState), (status = 400, body = ErrorBody)))]
pub async fn state(
    State(services): App,
    KeyApp(app): KeyApp,
    Path((action, job)): Path<(String, Uuid)>,
) -> ApiResult<Json<ReplyJobState>> {
    let action = Action::of(&action)?;
    Ok(Json(annotation_reply::job_keyed(&services, &app, action, job).await?.into()))
}
