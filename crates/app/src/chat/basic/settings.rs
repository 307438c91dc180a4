//! What a basic app is configured to do.

use std::sync::Arc;

use ox_db::model::{AppModelConfig, Conversation};
use ox_dsl::features::{Features, FileUpload};
use ox_models::{ContentPart, Media, MediaSource, ModelFeature, ModelKind, ModelRef, ModelRuntime, ModelScope};
use ox_types::{File, FileKind, Json};
use serde_json::json;

use crate::{
    AppCaller, Error, Result, Services,
    runs::{InvokeFrom, inputs::InputForm},
};

/// An existing conversation keeps the configuration it began with.
pub(super) async fn config_of(
    services: &Services,
    caller: &AppCaller,
    conversation: Option<&Conversation>,
) -> Result<Arc<AppModelConfig>> {
    // The editor tries a configuration that is not stored.
    let stored = conversation.filter(|_| caller.invoke_from != InvokeFrom::Debugger);
    if let Some(id) = stored.and_then(|conversation| conversation.app_model_config_id)
        && let Some(config) = services.runs.published.config(id).await?
    {
        return Ok(config);
    }
    caller.app.config.clone().ok_or_else(unavailable)
}

pub(super) fn unavailable() -> Error {
    Error::new(400, "app_unavailable", "App unavailable, please check your app configurations.")
}

/// The features of a stored configuration.
#[must_use]
pub fn features(config: &AppModelConfig) -> Features {
    Features::read(&features_json(config))
}

/// The stored configuration with the keys that features have in a workflow.
#[must_use]
pub fn features_json(config: &AppModelConfig) -> Json {
    json!({
        "opening_statement": config.opening_statement,
        "suggested_questions": config.suggested_questions,
        "suggested_questions_after_answer": config.suggested_questions_after_answer,
        "speech_to_text": config.speech_to_text,
        "text_to_speech": config.text_to_speech,
        "retriever_resource": config.retriever_resource,
        "more_like_this": config.more_like_this,
        "sensitive_word_avoidance": config.sensitive_word_avoidance,
        "file_upload": config.file_upload,
    })
}

/// The questions that a basic app asks its users.
#[must_use]
pub fn form(config: &AppModelConfig) -> InputForm {
    InputForm::of_basic(&json!({ "user_input_form": config.user_input_form }))
}

/// The files of the form that go to the model: those of a kind that it reads. The others are values of the form alone.
pub(super) async fn read_by(
    model: &ModelRef,
    services: &Services,
    caller: &AppCaller,
    mut files: Vec<File>,
) -> Vec<File> {
    if files.is_empty() {
        return files;
    }
    let scope = ModelScope { app_id: Some(caller.app.app.id), ..ModelScope::of(caller.tenant_id()) };
    let spec = services.models.describe(&scope, model, ModelKind::Llm).await;
    files.retain(|file| {
        let feature = match file.kind {
            FileKind::Image => ModelFeature::Vision,
            FileKind::Document => ModelFeature::Document,
            FileKind::Audio => ModelFeature::Audio,
            FileKind::Video => ModelFeature::Video,
            FileKind::Custom => return false,
        };
        spec.as_ref().is_some_and(|spec| spec.has(feature))
    });
    files
}

pub(super) async fn media_of(
    services: &Services,
    caller: &AppCaller,
    files: &[ox_types::File],
    feature: Option<&FileUpload>,
) -> Result<Vec<ContentPart>> {
    let mut parts = Vec::with_capacity(files.len());
    for file in files {
        let mime = file.mime_type.clone().unwrap_or_else(|| "application/octet-stream".to_owned());
        let source = match (&file.transfer_method, &file.remote_url) {
            (ox_types::TransferMethod::RemoteUrl, Some(url)) => MediaSource::Url(url.clone()),
            _ => MediaSource::Base64(services.files.base64(caller.tenant_id(), file).await?),
        };
        let detail = feature.map(|feature| feature.image_detail.clone());
        let media = Media { source, mime, filename: file.filename.clone(), detail };
        parts.push(match file.kind {
            ox_types::FileKind::Image => ContentPart::Image(media),
            ox_types::FileKind::Audio => ContentPart::Audio(media),
            ox_types::FileKind::Video => ContentPart::Video(media),
            _ => ContentPart::Document(media),
        });
    }
    Ok(parts)
}
