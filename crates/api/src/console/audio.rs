//! Speech, tried out by the makers of an app.

use axum::{
    Json,
    extract::{Multipart, State, multipart::MultipartRejection},
    response::Response,
};
use ox_app::{Services, audio};
use ox_types::AppId;
use serde::{Deserialize, Serialize};
use serde_json::Map;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;

use super::{App, guard::Caller};
use crate::{
    ApiResult,
    error::ErrorBody,
    extract::{Body, Path, Query},
    openapi::routes,
    service::{SpeechBody, TranscriptBody, UploadBody, recording, recording_limit, sound, spoken},
};

pub fn router() -> OpenApiRouter<std::sync::Arc<Services>> {
    let recordings = OpenApiRouter::new().routes(routes!(transcribe)).layer(recording_limit());
    OpenApiRouter::new().routes(routes!(speak)).routes(routes!(voices)).merge(recordings)
}

#[utoipa::path(post, path = "/apps/{app_id}/audio-to-text", tag = "audio", params(("app_id" = Uuid, Path)),
    request_body(content = UploadBody, content_type = "multipart/form-data"),
    responses((status = 200, body = TranscriptBody), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 413, body = ErrorBody), (status = 415, body = ErrorBody)))]
async fn transcribe(
    State(services): App,
    Caller(caller): Caller,
    Path(id): Path<AppId>,
    found: Result<Multipart, MultipartRejection>,
) -> ApiResult<Json<TranscriptBody>> {
    let (recording, _) = recording(found).await?;
    Ok(Json(TranscriptBody { text: audio::try_transcribe(&services, &caller, id, recording).await? }))
}

#[utoipa::path(post, path = "/apps/{app_id}/text-to-audio", tag = "audio", params(("app_id" = Uuid, Path)), request_body = SpeechBody,
    responses((status = 200, description = "MP3", content_type = "audio/mpeg"), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 415, body = ErrorBody)))]
async fn speak(
    State(services): App,
    Caller(caller): Caller,
    Path(id): Path<AppId>,
    Body(map): Body<Map<String, serde_json::Value>>,
) -> ApiResult<Response> {
    Ok(sound(Some(audio::try_speak(&services, &caller, id, spoken(map)?).await?)))
}

#[derive(Deserialize, IntoParams)]
struct VoicesQuery {
    /// `en-US`; empty: every language.
    #[serde(default)]
    language: String,
}

/// A voice of the workspace's model.
#[derive(Serialize, ToSchema)]
struct VoiceView {
    name: String,
    value: String,
}

#[utoipa::path(get, path = "/apps/{app_id}/text-to-audio/voices", tag = "audio", params(("app_id" = Uuid, Path), VoicesQuery),
    responses((status = 200, body = Vec<VoiceView>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn voices(
    State(services): App,
    Caller(caller): Caller,
    Path(id): Path<AppId>,
    Query(query): Query<VoicesQuery>,
) -> ApiResult<Json<Vec<VoiceView>>> {
    let found = audio::voices(&services, &caller, id, &query.language).await?;
    Ok(Json(found.into_iter().map(|voice| VoiceView { name: voice.name, value: voice.value }).collect()))
}
