//! Speech of apps: recordings that become questions, answers that are read out.

use std::sync::Arc;

use bytes::Bytes;
use futures::{Stream, StreamExt as _};
use ox_db::{model::Message, repo};
use ox_models::{
    ErrorClass, ModelError, ModelKind, ModelRef, ModelRuntime as _, ModelScope, SpeechRequest, SpeechStream,
    TranscriptionRequest, Voice,
};
use ox_types::{AppId, Json, MessageId, TenantId, boxed};

use crate::{
    AppCaller, Error, Principal, Result, Services, apps, chat::basic, messages, principal::Permission,
    runs::PublishedApp,
};

mod aloud;

pub(crate) use aloud::read_aloud;

/// The largest recording.
pub const MAX_MB: usize = 30;
/// The longest text that is spoken, in characters.
const MAX_TEXT: usize = 100_000;
/// Kinds of recordings. Compat: the first five are upstream's; browsers record in the others, which are taken as well.
const KINDS: [&str; 12] = ["mp3", "m4a", "wav", "amr", "mpga", "mpeg", "mp4", "webm", "ogg", "x-wav", "x-m4a", "flac"];

/// A recording as it was uploaded.
#[derive(Clone, Debug)]
pub struct Recording {
    pub name: String,
    pub mime: String,
    pub bytes: Bytes,
}

/// What is to be spoken; a message wins over a text.
#[derive(Clone, Debug, Default)]
pub struct Spoken {
    /// As it was sent: one that is no id is an unknown message.
    pub message_id: Option<String>,
    pub text: Option<String>,
    pub voice: Option<String>,
}

/// For whom a model is asked.
struct Asker {
    tenant: TenantId,
    app: AppId,
    user: Option<String>,
}

impl Asker {
    fn of(caller: &AppCaller) -> Self {
        Self { tenant: caller.tenant_id(), app: caller.app.app.id, user: Some(caller.user.id().to_string()) }
    }

    fn scope(&self) -> ModelScope {
        let (tenant_id, app_id, user) = (self.tenant, Some(self.app), self.user.clone());
        ModelScope { app_id, user, ..ModelScope::of(tenant_id) }
    }
}

/// The words of a recording, for a user of an app that takes speech.
///
/// # Errors
/// 400 when the app takes none or no model can, 413 and 415 for other files.
#[boxed]
pub async fn transcribe(services: &Services, caller: &AppCaller, recording: Recording) -> Result<String> {
    let features = features_of(services, &caller.app).await?;
    if !is_on(&features, "speech_to_text") {
        return Err(Error::invalid("Speech to text is not enabled"));
    }
    written(services, &Asker::of(caller), recording).await
}

/// The words of a recording, for the maker of an app, whatever its features.
///
/// # Errors
/// As [`transcribe`].
#[boxed]
pub async fn try_transcribe(
    services: &Services,
    principal: &Principal,
    app: AppId,
    recording: Recording,
) -> Result<String> {
    principal.require(Permission::AppView)?;
    let app = apps::find(services, principal, app).await?;
    let user = principal.account_id().ok().map(|id| id.to_string());
    written(services, &Asker { tenant: app.tenant_id, app: app.id, user }, recording).await
}

async fn written(services: &Services, asker: &Asker, recording: Recording) -> Result<String> {
    let kind = recording.mime.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if !kind.strip_prefix("audio/").is_some_and(|kind| KINDS.contains(&kind)) {
        return Err(Error::new(415, "unsupported_audio_type", "Audio type not allowed."));
    }
    if recording.bytes.len() > MAX_MB * 1024 * 1024 {
        return Err(Error::new(413, "audio_too_large", format!("Audio size larger than {MAX_MB} mb")));
    }
    let Some(model) = crate::providers::default_model(services, asker.tenant, ModelKind::Speech2Text).await? else {
        return Err(Error::new(400, "provider_not_support_speech_to_text", "Provider not support speech to text."));
    };
    let request = TranscriptionRequest {
        model: model.name.clone(),
        audio: recording.bytes,
        filename: named(&recording.name, &kind),
        mime: kind,
    };
    services.models.transcribe(&asker.scope(), &model, request).await.map_err(|error| model_error(&error))
}

/// A file name that says its format: some providers know it by that alone.
fn named(name: &str, mime: &str) -> String {
    if name.rsplit_once('.').is_some_and(|(stem, _)| !stem.is_empty()) {
        return name.to_owned();
    }
    let extension = match mime.strip_prefix("audio/").unwrap_or(mime) {
        "mpeg" | "mpga" => "mp3",
        "x-wav" => "wav",
        "x-m4a" => "m4a",
        other => other,
    };
    format!("recording.{extension}")
}

/// The speech of a text or of a message of the app; `None` for a message that is not there or says nothing.
///
/// # Errors
/// 400 when there is nothing to say, the app does not speak or no voice is there.
#[boxed]
pub async fn speak(services: &Services, caller: &AppCaller, spoken: Spoken) -> Result<Option<SpeechStream>> {
    let text = match (&spoken.message_id, spoken.text) {
        (Some(id), _) => match answer_of(services, caller, id).await? {
            Some(answer) => answer,
            None => return Ok(None),
        },
        (None, Some(text)) => text,
        (None, None) => return Err(Error::invalid_field("text", "Text is required")),
    };
    let features = features_of(services, &caller.app).await?;
    if !is_on(&features, "text_to_speech") {
        return Err(Error::invalid("TTS is not enabled"));
    }
    let voice = spoken.voice.or_else(|| voice_of(&features));
    said(services, &Asker::of(caller), text, voice).await.map(Some)
}

/// The speech of a text, for the maker of an app, whatever its features.
///
/// # Errors
/// As [`speak`].
#[boxed]
pub async fn try_speak(services: &Services, principal: &Principal, app: AppId, spoken: Spoken) -> Result<SpeechStream> {
    principal.require(Permission::AppView)?;
    let app = apps::find(services, principal, app).await?;
    let text = spoken.text.filter(|text| !text.is_empty());
    let text = text.ok_or_else(|| Error::invalid_field("text", "Text is required"))?;
    let user = principal.account_id().ok().map(|id| id.to_string());
    said(services, &Asker { tenant: app.tenant_id, app: app.id, user }, text, spoken.voice).await
}

async fn answer_of(services: &Services, caller: &AppCaller, id: &str) -> Result<Option<String>> {
    let Ok(id) = id.parse::<MessageId>() else { return Ok(None) };
    // A visitor hears their own messages; who has the app's key hears those of the app.
    let found: Option<Message> = match caller.invoke_from {
        crate::runs::InvokeFrom::ServiceApi => repo::messages::find(&services.db, caller.app.app.id, id).await?,
        _ => messages::find(services, caller, id).await.ok(),
    };
    Ok(found.map(|message| message.answer).filter(|answer| !answer.is_empty()))
}

async fn said(services: &Services, asker: &Asker, text: String, voice: Option<String>) -> Result<SpeechStream> {
    if text.chars().count() > MAX_TEXT {
        return Err(Error::invalid_field("text", format!("text must have {MAX_TEXT} characters at most")));
    }
    let (model, voice) = speaker(services, asker, voice).await?;
    let request = SpeechRequest { model: model.name.clone(), text, voice };
    services.models.speak(&asker.scope(), &model, request).await.map_err(|error| model_error(&error))
}

/// The model that speaks for a workspace, and the voice.
async fn speaker(services: &Services, asker: &Asker, voice: Option<String>) -> Result<(ModelRef, String)> {
    let Some(model) = crate::providers::default_model(services, asker.tenant, ModelKind::Tts).await? else {
        return Err(Error::new(400, "provider_not_initialize", "No default model for text to speech is set up."));
    };
    let spec = services.models.describe(&asker.scope(), &model, ModelKind::Tts).await;
    let known = spec.as_ref().map(|spec| spec.voices(None)).unwrap_or_default();
    // Compat: a voice that the model does not have is as good as none.
    let wanted = voice.filter(|voice| !voice.is_empty());
    let wanted = wanted.filter(|voice| known.is_empty() || known.iter().any(|one| one.value == *voice));
    let voice = wanted.or_else(|| spec.and_then(|spec| spec.default_voice()));
    let voice = voice.ok_or_else(|| Error::invalid("Sorry, no voice available."))?;
    Ok((model, voice))
}

/// The voices of the workspace's model for a language.
///
/// # Errors
/// 400 when no model speaks.
#[boxed]
pub async fn voices(services: &Services, principal: &Principal, app: AppId, language: &str) -> Result<Vec<Voice>> {
    principal.require(Permission::AppView)?;
    let app = apps::find(services, principal, app).await?;
    let asker = Asker { tenant: app.tenant_id, app: app.id, user: None };
    let Some(model) = crate::providers::default_model(services, asker.tenant, ModelKind::Tts).await? else {
        return Err(Error::new(400, "provider_not_initialize", "No default model for text to speech is set up."));
    };
    let spec = services.models.describe(&asker.scope(), &model, ModelKind::Tts).await;
    Ok(spec.map(|spec| spec.voices(Some(language).filter(|text| !text.is_empty()))).unwrap_or_default())
}

/// The stored features of what is published.
async fn features_of(services: &Services, app: &PublishedApp) -> Result<Json> {
    let unavailable = || Error::new(400, "app_unavailable", "App unavailable, please check your app configurations.");
    if app.mode.is_graph() {
        return crate::runs::stored_features(services, app).await.map_err(|_| unavailable());
    }
    app.config.as_deref().map(basic::features_json).ok_or_else(unavailable)
}

fn is_on(features: &Json, name: &str) -> bool {
    features.get(name).and_then(|feature| feature.get("enabled")).and_then(Json::as_bool).unwrap_or(false)
}

fn voice_of(features: &Json) -> Option<String> {
    let voice = features.get("text_to_speech").and_then(|feature| feature.get("voice")).and_then(Json::as_str);
    voice.filter(|voice| !voice.is_empty()).map(str::to_owned)
}

/// What a failed call of a model is to the caller.
fn model_error(error: &ModelError) -> Error {
    let code = match error.class {
        ErrorClass::NotFound | ErrorClass::Auth if error.status.is_none() => "provider_not_initialize",
        ErrorClass::Unsupported => "model_currently_not_support",
        ErrorClass::Quota => "provider_quota_exceeded",
        _ => "completion_request_error",
    };
    Error::new(400, code, error.to_string())
}

/// The pieces of a speech; one that breaks off is told to the log, as its answer has begun.
pub fn pieces(speech: SpeechStream) -> impl Stream<Item = Result<Bytes, std::io::Error>> + Send {
    speech.map(|piece| {
        piece.map_err(|error| {
            tracing::warn!(%error, "a speech broke off");
            std::io::Error::other(error.to_string())
        })
    })
}

/// Whoever hears an app's answers as they are made.
pub(crate) async fn auto_play(services: &Arc<Services>, caller: &AppCaller) -> Option<aloud::Reader> {
    let feature = if caller.app.mode.is_graph() {
        crate::runs::stored_feature(services, &caller.app, "text_to_speech").await?
    } else {
        caller.app.config.as_deref()?.text_to_speech.clone()?
    };
    let enabled = feature.get("enabled").and_then(Json::as_bool).unwrap_or(false);
    if !enabled || feature.get("autoPlay").and_then(Json::as_str) != Some("enabled") {
        return None;
    }
    let voice = feature.get("voice").and_then(Json::as_str).map(str::to_owned);
    let asker = Asker::of(caller);
    let (model, voice) = match speaker(services, &asker, voice).await {
        Ok(found) => found,
        Err(error) => {
            tracing::warn!(%error, app_id = %caller.app.app.id, "answers are not read out");
            return None;
        }
    };
    Some(aloud::Reader::new(services, asker.scope(), model, voice))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recordings_have_names_that_say_their_format() {
        for (name, mime, expected) in [
            ("a.wav", "audio/wav", "a.wav"),
            ("blob", "audio/webm", "recording.webm"),
            ("", "audio/mpeg", "recording.mp3"),
            (".mp3", "audio/x-m4a", "recording.m4a"),
        ] {
            assert_eq!(named(name, mime), expected);
        }
    }

    #[test]
    fn only_a_true_switch_is_on() {
        let features = serde_json::json!({"a": {"enabled": true}, "b": {"enabled": false}, "c": {}, "d": {"enabled": "true"},
            "text_to_speech": {"voice": "nova"}});
        assert_eq!(["a", "b", "c", "d", "e"].map(|name| is_on(&features, name)), [true, false, false, false, false]);
        assert_eq!(voice_of(&features).as_deref(), Some("nova"));
    }
}
