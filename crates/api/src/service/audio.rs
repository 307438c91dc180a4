//! Speech: recordings to text, text and answers to speech.

use axum::{
    Json,
    body::Body as Bytes,
    extract::{DefaultBodyLimit, Multipart, State, multipart::MultipartRejection},
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use ox_app::{
    AppCaller, Error,
    audio::{self, Recording, Spoken},
};
use serde::{Deserialize, Serialize};
use serde_json::Map;
use utoipa::ToSchema;

use super::{
    App, KeyApp, docs,
    fields::{Fields, user_of},
    files::{form, parts},
};
use crate::{ApiResult, error::ErrorBody, extract::Body};

/// What was said.
#[derive(Serialize, ToSchema)]
pub struct TranscriptBody {
    pub text: String,
}

/// What is to be said.
#[derive(Deserialize, Serialize, ToSchema)]
pub struct SpeechBody {
    /// A message whose answer is spoken; wins over `text`.
    pub message_id: Option<String>,
    pub text: Option<String>,
    /// One of the model's voices; else the app's, else the model's first.
    pub voice: Option<String>,
    /// Has no effect.
    pub streaming: Option<bool>,
    pub user: Option<String>,
}

/// Room for the largest recording and what is around it: a little more, so that it is refused by name.
pub(crate) fn recording_limit() -> DefaultBodyLimit {
    DefaultBodyLimit::max((audio::MAX_MB + 2) * 1024 * 1024)
}

/// Reads a form with one recording.
pub(crate) async fn recording(
    found: Result<Multipart, MultipartRejection>,
) -> Result<(Recording, Option<String>), Error> {
    let missing = |error: Error| match error.code.as_ref() {
        "no_file_uploaded" => Error::new(400, "no_audio_uploaded", "Please upload your audio."),
        "file_too_large" => Error::new(413, "audio_too_large", format!("Audio size larger than {} mb", audio::MAX_MB)),
        _ => error,
    };
    let form = form(parts(found).map_err(missing)?).await.map_err(missing)?;
    Ok((Recording { name: form.name, mime: form.mime, bytes: form.bytes }, form.user))
}

/// The fields of [`SpeechBody`].
pub(crate) fn spoken(map: Map<String, serde_json::Value>) -> Result<Spoken, Error> {
    let mut fields = Fields::new("TextToAudioPayload", map);
    let spoken = Spoken {
        message_id: fields.optional_text("message_id").filter(|id| !id.is_empty()),
        text: fields.optional_text("text").filter(|text| !text.is_empty()),
        voice: fields.optional_text("voice"),
    };
    fields.flag("streaming", false);
    fields.finish()?;
    Ok(spoken)
}

/// MP3 as it is made; JSON `null` where there is nothing to say.
pub(crate) fn sound(speech: Option<ox_models::SpeechStream>) -> Response {
    let Some(speech) = speech else { return Json(serde_json::Value::Null).into_response() };
    let mut response = Response::new(Bytes::from_stream(audio::pieces(speech)));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("audio/mpeg"));
    response
}

/// The words of a recording.
#[utoipa::path(post, path = "/audio-to-text", tag = "Audio", security(("app_key" = [])),
    request_body(content = docs::UploadBody, content_type = "multipart/form-data"),
    responses((status = 200, body = TranscriptBody), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody), (status = 413, body = ErrorBody), (status = 415, body = ErrorBody)))]
pub async fn transcribe(
    State(services): App,
    KeyApp(app): KeyApp,
    found: Result<Multipart, MultipartRejection>,
) -> ApiResult<Json<TranscriptBody>> {
    let (recording, user) = recording(found).await?;
    let caller = AppCaller::service(&services, app, user.as_deref()).await?;
    Ok(Json(TranscriptBody { text: audio::transcribe(&services, &caller, recording).await? }))
}

/// A text, or the answer of a message, as speech.
#[utoipa::path(post, path = "/text-to-audio", tag = "Audio", security(("app_key" = [])), request_body = SpeechBody,
    responses((status = 200, description = "MP3, or JSON null for a message that says nothing", content_type = "audio/mpeg"),
        (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 415, body = ErrorBody)))]
pub async fn speak(
    State(services): App,
    KeyApp(app): KeyApp,
    Body(map): Body<Map<String, serde_json::Value>>,
) -> ApiResult<Response> {
    let user = user_of(&map);
    let spoken = spoken(map)?;
    let caller = AppCaller::service(&services, app, user.as_deref()).await?;
    Ok(sound(audio::speak(&services, &caller, spoken).await?))
}
