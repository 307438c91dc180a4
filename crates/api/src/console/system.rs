//! What the Studio asks before it shows anything.

use axum::{Json, extract::State};
use ox_app::Services;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;

use super::App;
use crate::{ApiResult, error::ErrorBody, extract::Query, openapi::routes};

pub fn router() -> OpenApiRouter<std::sync::Arc<Services>> {
    OpenApiRouter::new()
        .routes(routes!(system_features))
        .routes(routes!(features))
        .routes(routes!(version))
        .routes(routes!(support_types))
}

#[utoipa::path(get, path = "/system-features", tag = "system", responses((status = 200, body = Object)))]
pub(crate) async fn system_features(State(services): App) -> Json<Value> {
    let settings = &services.settings;
    Json(json!({
        "sso_enforced_for_signin": false, "sso_enforced_for_signin_protocol": "", "enable_marketplace": false,
        "max_plugin_package_size": 15_728_640, "enable_email_code_login": false,
        "enable_email_password_login": settings.password_login, "enable_social_oauth_login": false,
        "is_allow_register": settings.allow_register, "is_allow_create_workspace": settings.allow_create_workspace,
        "is_email_setup": services.mail.is_set_up(),
        "license": {"status": "none", "expired_at": "", "workspaces": {"enabled": false, "size": 0, "limit": 0}},
        "branding": {"enabled": false, "application_title": "", "login_page_logo": "", "workspace_logo": "", "favicon": ""},
        "webapp_auth": {"enabled": true, "allow_sso": false, "sso_config": {"protocol": ""},
            "allow_email_code_login": settings.email_code_login && services.mail.is_set_up(),
            "allow_email_password_login": settings.password_login},
        "plugin_installation_permission": {"plugin_installation_scope": "all", "restrict_to_marketplace_only": false},
        "enable_change_email": false, "plugin_manager": {"enabled": false}, "trial_models": [],
        "enable_trial_app": true, "enable_explore_banner": false,
        "oxidify": {"version": settings.version, "scripted_model": settings.scripted_model,
            "code_unconfined": settings.code_unconfined},
    }))
}

#[utoipa::path(get, path = "/features", tag = "system", responses((status = 200, body = Object), (status = 401, body = ErrorBody)))]
async fn features() -> Json<Value> {
    let unlimited = json!({"size": 0, "limit": 0});
    Json(json!({
        "billing": {"enabled": false, "subscription": {"plan": "sandbox", "interval": ""}},
        "education": {"enabled": false, "activated": false}, "members": unlimited, "apps": unlimited,
        "vector_space": unlimited, "knowledge_rate_limit": 0, "annotation_quota_limit": unlimited,
        "documents_upload_quota": unlimited, "docs_processing": "standard", "can_replace_logo": true,
        "model_load_balancing_enabled": true, "dataset_operator_enabled": true, "webapp_copyright_enabled": true,
        "workspace_members": {"enabled": false, "size": 0, "limit": 0}, "is_allow_transfer_workspace": true,
        "trigger_event": {"usage": 0, "limit": 0, "reset_date": 0}, "api_rate_limit": {"usage": 0, "limit": 0, "reset_date": 0},
        "knowledge_pipeline": {"publish_enabled": true}, "next_credit_reset_date": 0,
    }))
}

#[derive(Deserialize, IntoParams)]
struct VersionQuery {
    current_version: Option<String>,
}

#[utoipa::path(get, path = "/version", tag = "system", params(VersionQuery), responses((status = 200, body = Object), (status = 400, body = ErrorBody)))]
async fn version(State(services): App, Query(query): Query<VersionQuery>) -> Json<Value> {
    // No phone-home: the newest version known here is the running one.
    let version = query.current_version.unwrap_or_else(|| services.settings.version.to_owned());
    Json(json!({"version": version, "release_date": "", "release_notes": "", "can_auto_update": false,
        "features": {"can_replace_logo": true, "model_load_balancing_enabled": true}}))
}

#[utoipa::path(get, path = "/files/upload", tag = "files", responses((status = 200, body = Object), (status = 401, body = ErrorBody)))]
pub(super) async fn upload_limits(State(services): App) -> Json<Value> {
    let limits = &services.settings.uploads;
    Json(json!({
        "file_size_limit": limits.file_mb, "batch_count_limit": limits.batch_count, "file_upload_limit": 20,
        "image_file_size_limit": limits.image_mb, "video_file_size_limit": limits.video_mb,
        "audio_file_size_limit": limits.audio_mb, "workflow_file_upload_limit": limits.workflow_files,
        "image_file_batch_limit": 10, "single_chunk_attachment_limit": 10, "attachment_image_file_size_limit": 2,
    }))
}

#[utoipa::path(get, path = "/files/support-type", tag = "files", responses((status = 200, body = Object), (status = 401, body = ErrorBody)))]
async fn support_types() -> ApiResult<Json<Value>> {
    Ok(Json(json!({"allowed_extensions": [
        "txt", "markdown", "md", "mdx", "pdf", "html", "htm", "xlsx", "xls", "vtt", "properties", "doc", "docx", "csv",
        "eml", "msg", "pptx", "ppt", "xml", "epub",
    ]})))
}
