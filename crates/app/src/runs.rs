//! Running apps: from a checked request to a stream of events, recorded as it goes.
//!
//! A request is checked in a fixed order (`start`), becomes rows and a variable pool (`launch`), and runs in
//! the engine, whose events the `sink` turns into records and into stream events. One `recorder` per process
//! commits records in groups; a `hub` per run hands the events to any number of readers. What a dead process
//! leaves behind is taken over (`recovery`).

pub mod compare;
mod compiled;
pub mod delta;
mod derived;
pub mod draft;
mod event;
pub mod follow;
pub mod fork;
mod history;
pub mod hub;
pub mod inputs;
pub mod launch;
pub mod limits;
pub mod logs;
pub mod once;
pub mod outcome;
mod part;
pub(crate) mod pipeline;
pub mod published;
pub mod recorder;
pub mod recovery;
pub mod replay;
pub mod result_webhook;
pub(crate) mod runtime;
pub mod signals;
pub mod sink;
pub mod start;
mod step;
mod told;

pub use crate::chat::prompt::Round;
pub use derived::run_container;
pub use event::{
    AppMode, InvokeFrom, JsonText, MessageMetadata, NodeDone, NodeFacts, NodeView, RunDone, RunPause, RunUser,
    ShownFile, StreamBody, StreamEvent, StreamHead,
};
pub use history::ConversationHistory;
pub use hub::{Hub, Lagged, Subscription};
pub use ox_dsl::graph::NodeSpec;
pub use part::StepRequest;
pub use published::{Key, PublishedApp};
pub use runtime::{Above, LiveRun, Runtime, STOPPED_BY_USER};
pub use start::{RunRequest, start, start_draft};
pub use step::run as run_step;

use ox_dsl::features::{Features, SystemLimits};
use ox_types::{ConversationId, Json, boxed};

use crate::{Error, Result, Services, chat::basic};

/// Apps with a metric series of their own; the rest share one.
const METRIC_APPS: usize = 500;

/// The features that hold for a conversation of an app; `None` when the app was never published.
pub(crate) async fn features_of(
    services: &Services,
    app: &PublishedApp,
    conversation: ConversationId,
) -> Result<Option<Features>> {
    if app.mode.is_graph() {
        if app.app.workflow_id.is_none() {
            return Ok(None);
        }
        return Ok(Some(compiled::live_version(services, app).await?.features.clone()));
    }
    let found = ox_db::repo::conversations::find(&services.db, app.app.id, conversation).await?;
    let config = match found.and_then(|conversation| conversation.app_model_config_id) {
        Some(id) => services.runs.published.config(id).await?,
        None => None,
    };
    let config = config.or_else(|| app.config.clone());
    Ok(config.as_deref().map(basic::features))
}

/// The features of a graph app's live version.
pub(crate) async fn live_features(services: &Services, app: &PublishedApp) -> Result<Option<Features>> {
    if !app.mode.is_graph() || app.app.workflow_id.is_none() {
        return Ok(None);
    }
    Ok(Some(compiled::live_version(services, app).await?.features.clone()))
}

/// The questions that an app asks its users.
///
/// # Errors
/// 400 for an app without a published configuration.
pub(crate) async fn form_of(services: &Services, app: &PublishedApp) -> Result<inputs::InputForm> {
    if app.mode.is_graph() {
        return Ok(compiled::live_version(services, app).await?.form.clone());
    }
    let unavailable = || Error::new(400, "app_unavailable", "App unavailable, please check your app configurations.");
    app.config.as_deref().map(basic::form).ok_or_else(unavailable)
}

/// The features of a published graph as they are stored.
pub(crate) async fn stored_features(services: &Services, app: &PublishedApp) -> Result<Json> {
    Ok(compiled::live_version(services, app).await?.features_json.clone())
}

/// One of them.
pub(crate) async fn stored_feature(services: &Services, app: &PublishedApp, name: &str) -> Option<Json> {
    compiled::live_version(services, app).await.ok()?.features_json.get(name).cloned()
}

/// The body of `/parameters`.
///
/// # Errors
/// 400 `app_unavailable` for an app without a published configuration.
#[boxed]
pub async fn parameters(services: &Services, app: &PublishedApp) -> Result<Json> {
    let unavailable = || Error::new(400, "app_unavailable", "App unavailable, please check your app configurations.");
    let uploads = &services.settings.uploads;
    let limits = SystemLimits {
        image_file_size_limit: uploads.image_mb,
        video_file_size_limit: uploads.video_mb,
        audio_file_size_limit: uploads.audio_mb,
        file_size_limit: uploads.file_mb,
        workflow_file_upload_limit: uploads.workflow_files,
    };
    let (features, form) = if app.mode.is_graph() {
        if app.app.workflow_id.is_none() {
            return Err(unavailable());
        }
        let compiled = compiled::live_version(services, app).await.map_err(|_| unavailable())?;
        (compiled.features_json.clone(), compiled.form.to_json())
    } else {
        let config = app.config.as_deref().ok_or_else(unavailable)?;
        (basic::features_json(config), basic::form(config).to_json())
    };
    let mut parameters = ox_dsl::features::parameters(&features, form, limits);
    if let Some(setting) = ox_db::repo::annotation_settings::find(&services.db, app.app.id).await? {
        parameters["annotation_reply"] = crate::annotation_reply::as_feature(&setting);
    }
    Ok(open(parameters))
}

/// Compat: users are told that words are checked, not which ones.
fn open(mut parameters: Json) -> Json {
    if let Some(Json::Object(feature)) = parameters.get_mut("sensitive_word_avoidance")
        && feature.shift_remove("config").is_some()
    {
        feature.insert("configs".into(), Json::Array(Vec::new()));
    }
    parameters
}

/// The label of an app in metrics, bounded in number.
fn metric_app_label(app_id: ox_types::AppId) -> String {
    use std::{
        collections::HashSet,
        sync::{Mutex, OnceLock, PoisonError},
    };
    static KNOWN: OnceLock<Mutex<HashSet<ox_types::AppId>>> = OnceLock::new();
    let mut known = KNOWN.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner);
    if known.contains(&app_id) || (known.len() < METRIC_APPS && known.insert(app_id)) {
        app_id.to_string()
    } else {
        "other".to_owned()
    }
}

/// The name of a graph app's live version.
pub(crate) async fn live_version_name(services: &Services, app: &PublishedApp) -> Result<String> {
    Ok(compiled::live_version(services, app).await?.version.clone())
}

/// Tool name, provider and provider kind of the tools in an app's live version.
pub(crate) async fn tools_of(services: &Services, app: &PublishedApp) -> Vec<(String, String, String)> {
    if !app.mode.is_graph() {
        return Vec::new();
    }
    let Ok(compiled) = compiled::live_version(services, app).await else { return Vec::new() };
    let Ok(engine) = &compiled.engine else { return Vec::new() };
    let nodes = engine.graph().nodes.iter().filter(|node| node.kind == "tool");
    let text = |data: &Json, key: &str| data.get(key).and_then(Json::as_str).unwrap_or_default().to_owned();
    nodes
        .map(|node| (text(&node.data, "tool_name"), text(&node.data, "provider_id"), text(&node.data, "provider_type")))
        .filter(|(name, ..)| !name.is_empty())
        .collect()
}

/// Another answer to the question of a completion.
///
/// # Errors
/// 403 when the feature is off, 404 when the message is not the caller's.
#[boxed]
pub async fn more_like_this(
    services: &std::sync::Arc<Services>,
    caller: &crate::AppCaller,
    id: ox_types::MessageId,
    blocking: bool,
) -> Result<Subscription> {
    let enabled = caller.app.config.as_deref().is_some_and(|config| basic::features(config).more_like_this);
    if !enabled {
        return Err(Error::new(403, "app_more_like_this_disabled", "The 'More like this' feature is disabled."));
    }
    let message = crate::messages::find(services, caller, id).await?;
    let inputs: Json = serde_json::from_str(&message.inputs).unwrap_or_default();
    let inputs = inputs.as_object().cloned().unwrap_or_default();
    let files = ox_db::repo::messages::files_of(&services.db, &[id]).await?;
    let of_user = files.into_iter().filter(|file| file.belongs_to.as_deref() == Some("user"));
    let request = RunRequest {
        inputs: inputs.into_iter().map(|(name, value)| (name, as_given(value))).collect(),
        query: Some(message.query),
        files: of_user
            .map(|file| {
                let upload = file.upload_file_id.map(|id| id.to_string());
                given_file(&file.kind, &file.transfer_method, upload.as_deref(), file.url.as_deref())
            })
            .collect(),
        blocking,
        ..RunRequest::default()
    };
    start(services, caller, request).await
}

/// A stored input as its caller gave it: of a file, what names it.
fn as_given(value: Json) -> Json {
    if let Some(file) = ox_types::File::from_json(&value) {
        let url = file.remote_url.or(file.url);
        return given_file(
            file.kind.as_str(),
            file.transfer_method.as_str(),
            file.related_id.as_deref(),
            url.as_deref(),
        );
    }
    match value {
        Json::Array(items) => items.into_iter().map(as_given).collect(),
        other => other,
    }
}

fn given_file(kind: &str, method: &str, upload: Option<&str>, url: Option<&str>) -> Json {
    serde_json::json!({"type": kind, "transfer_method": method, "upload_file_id": upload, "url": url})
}
