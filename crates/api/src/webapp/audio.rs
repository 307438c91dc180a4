//! Speech on a published page.

use axum::{
    Json,
    extract::{Multipart, State, multipart::MultipartRejection},
    response::Response,
};
use ox_app::audio;
use serde_json::Map;

use super::{App, Visitor};
use crate::{
    ApiResult,
    error::ErrorBody,
    extract::Body,
    service::{SpeechBody, TranscriptBody, UploadBody, recording, sound, spoken},
};

/// The words of a recording.
#[utoipa::path(post, path = "/audio-to-text", tag = "Web app", security(("passport" = [])),
    request_body(content = UploadBody, content_type = "multipart/form-data"),
    responses((status = 200, body = TranscriptBody), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
        (status = 413, body = ErrorBody), (status = 415, body = ErrorBody)))]
pub async fn transcribe(
    State(services): App,
    Visitor(caller): Visitor,
    found: Result<Multipart, MultipartRejection>,
) -> ApiResult<Json<TranscriptBody>> {
    let (recording, _) = recording(found).await?;
    Ok(Json(TranscriptBody { text: audio::transcribe(&services, &caller, recording).await? }))
}

/// A text, or the answer of one of the visitor's messages, as speech.
#[utoipa::path(post, path = "/text-to-audio", tag = "Web app", security(("passport" = [])), request_body = SpeechBody,
    responses((status = 200, description = "MP3, or JSON null for a message that says nothing", content_type = "audio/mpeg"),
        (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 415, body = ErrorBody)))]
pub async fn speak(
    State(services): App,
    Visitor(caller): Visitor,
    Body(map): Body<Map<String, serde_json::Value>>,
) -> ApiResult<Response> {
    Ok(sound(audio::speak(&services, &caller, spoken(map)?).await?))
}
