//! The page itself: look, questions, files.

use axum::{
    Json,
    extract::{Multipart, State, multipart::MultipartRejection},
    http::StatusCode,
};
use ox_app::{Error, about, files};
use serde_json::{Value as Json_, json};

use super::{App, Visitor};
use crate::{
    ApiResult,
    error::ErrorBody,
    service::{FileBody, MetaBody, UploadBody, form, parts},
};

/// Extensions that a knowledge base reads.
const DOCUMENTS: [&str; 13] =
    ["txt", "markdown", "md", "mdx", "pdf", "html", "htm", "xlsx", "xls", "docx", "csv", "vtt", "properties"];

/// Look and texts of the page, and who the visitor is.
#[utoipa::path(get, path = "/site", tag = "Web app", security(("passport" = [])),
    responses((status = 200, body = serde_json::Value), (status = 403, body = ErrorBody)))]
pub async fn site(State(services): App, Visitor(caller): Visitor) -> ApiResult<Json<Json_>> {
    let about::SiteInfo { site, icon_url } = about::site(&services, &caller.app)?;
    Ok(Json(json!({
        "app_id": caller.app.app.id,
        "end_user_id": caller.user.id(),
        "enable_site": caller.app.app.enable_site,
        "site": {
            "title": site.title,
            "chat_color_theme": site.chat_color_theme,
            "chat_color_theme_inverted": site.chat_color_theme_inverted,
            "icon_type": site.icon_type,
            "icon": site.icon,
            "icon_background": site.icon_background,
            "icon_url": icon_url,
            "description": site.description,
            "copyright": site.copyright,
            "privacy_policy": site.privacy_policy,
            "custom_disclaimer": site.custom_disclaimer,
            "default_language": site.default_language,
            "prompt_public": site.prompt_public,
            "show_workflow_steps": site.show_workflow_steps,
            "use_icon_as_answer_icon": site.use_icon_as_answer_icon,
        },
        "model_config": null,
        "plan": "basic",
        "can_replace_logo": false,
        "custom_config": null,
        // Ours: the page need not guess what it shows.
        "mode": caller.app.mode.as_str(),
    })))
}

/// Features, questions and limits of the app.
#[utoipa::path(get, path = "/parameters", tag = "Web app", security(("passport" = [])),
    responses((status = 200, body = serde_json::Value), (status = 400, body = ErrorBody)))]
pub async fn parameters(State(services): App, Visitor(caller): Visitor) -> ApiResult<Json<Json_>> {
    Ok(Json(ox_app::runs::parameters(&services, &caller.app).await?))
}

/// Icons of the app's tools.
#[utoipa::path(get, path = "/meta", tag = "Web app", security(("passport" = [])),
    responses((status = 200, body = MetaBody)))]
pub async fn meta(State(services): App, Visitor(caller): Visitor) -> ApiResult<Json<MetaBody>> {
    Ok(Json(MetaBody { tool_icons: about::tool_icons(&services, &caller.app).await }))
}

/// Upload a file, to name it in a later message.
#[utoipa::path(post, path = "/files/upload", tag = "Web app", security(("passport" = [])),
    request_body(content = UploadBody, content_type = "multipart/form-data"),
    responses((status = 201, body = FileBody), (status = 413, body = ErrorBody)))]
pub async fn upload(
    State(services): App,
    Visitor(caller): Visitor,
    found: Result<Multipart, MultipartRejection>,
) -> ApiResult<(StatusCode, Json<FileBody>)> {
    let form = form(parts(found)?).await?;
    let extension = form.name.rsplit_once('.').map(|(_, extension)| extension.to_lowercase()).unwrap_or_default();
    if form.source.as_deref() == Some("datasets") && !DOCUMENTS.contains(&extension.as_str()) {
        return Err(Error::new(415, "unsupported_file_type", "File type not allowed.").into());
    }
    let file = files::upload(&services, &caller, &form.name, &form.mime, form.bytes).await?;
    Ok((StatusCode::CREATED, Json(FileBody::new(&services, file))))
}
