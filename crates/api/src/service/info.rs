//! What an app is and asks for.

use axum::{Json, extract::State};
use ox_app::about::{self, AppInfo, SiteInfo};
use serde::Serialize;
use utoipa::ToSchema;

use super::{App, KeyApp};
use crate::{ApiResult, error::ErrorBody};

/// Greeting of the Service API.
#[derive(Serialize, ToSchema)]
pub struct IndexBody {
    pub welcome: String,
    pub api_version: String,
    pub server_version: String,
}

/// The Service API and its version.
#[utoipa::path(get, path = "/", tag = "App", responses((status = 200, body = IndexBody)))]
pub async fn index(State(services): App) -> Json<IndexBody> {
    std::future::ready(Json(IndexBody {
        welcome: "Dify OpenAPI".to_owned(),
        api_version: "v1".to_owned(),
        server_version: services.settings.version.to_owned(),
    }))
    .await
}

/// An app's name and texts.
#[derive(Serialize, ToSchema)]
pub struct InfoBody {
    pub name: String,
    pub description: String,
    pub tags: Vec<String>,
    pub mode: String,
    pub author_name: Option<String>,
}

/// Name, description and labels of the app.
#[utoipa::path(get, path = "/info", tag = "App", security(("app_key" = [])),
    responses((status = 200, body = InfoBody), (status = 401, body = ErrorBody)))]
pub async fn info(State(services): App, KeyApp(app): KeyApp) -> ApiResult<Json<InfoBody>> {
    let AppInfo { name, description, tags, mode, author_name } = about::info(&services, &app).await?;
    Ok(Json(InfoBody { name, description, tags, mode: mode.as_str().to_owned(), author_name }))
}

/// Features, questions and limits of the app.
#[utoipa::path(get, path = "/parameters", tag = "App", security(("app_key" = [])),
    responses((status = 200, body = serde_json::Value), (status = 400, body = ErrorBody)))]
pub async fn parameters(State(services): App, KeyApp(app): KeyApp) -> ApiResult<Json<serde_json::Value>> {
    Ok(Json(ox_app::runs::parameters(&services, &app).await?))
}

/// Icons of the tools an app uses.
#[derive(Serialize, ToSchema)]
pub struct MetaBody {
    pub tool_icons: serde_json::Map<String, serde_json::Value>,
}

/// Icons of the app's tools.
#[utoipa::path(get, path = "/meta", tag = "App", security(("app_key" = [])), responses((status = 200, body = MetaBody)))]
pub async fn meta(State(services): App, KeyApp(app): KeyApp) -> ApiResult<Json<MetaBody>> {
    Ok(Json(MetaBody { tool_icons: about::tool_icons(&services, &app).await }))
}

/// The app's published page.
#[derive(Serialize, ToSchema)]
pub struct SiteBody {
    pub title: String,
    pub chat_color_theme: Option<String>,
    pub chat_color_theme_inverted: bool,
    pub icon_type: Option<String>,
    pub icon: Option<String>,
    pub icon_background: Option<String>,
    pub icon_url: Option<String>,
    pub description: Option<String>,
    pub copyright: Option<String>,
    pub privacy_policy: Option<String>,
    pub custom_disclaimer: Option<String>,
    pub default_language: String,
    pub show_workflow_steps: bool,
    pub use_icon_as_answer_icon: bool,
    /// Compat: this version has none.
    pub input_placeholder: Option<String>,
}

impl From<SiteInfo> for SiteBody {
    fn from(info: SiteInfo) -> Self {
        let SiteInfo { site, icon_url } = info;
        Self {
            title: site.title,
            chat_color_theme: site.chat_color_theme,
            chat_color_theme_inverted: site.chat_color_theme_inverted,
            icon_type: site.icon_type,
            icon: site.icon,
            icon_background: site.icon_background,
            icon_url,
            description: site.description,
            copyright: site.copyright,
            privacy_policy: site.privacy_policy,
            custom_disclaimer: Some(site.custom_disclaimer),
            default_language: site.default_language,
            show_workflow_steps: site.show_workflow_steps,
            use_icon_as_answer_icon: site.use_icon_as_answer_icon,
            input_placeholder: None,
        }
    }
}

/// Look and texts of the app's published page.
#[utoipa::path(get, path = "/site", tag = "App", security(("app_key" = [])),
    responses((status = 200, body = SiteBody), (status = 403, body = ErrorBody)))]
pub async fn site(State(services): App, KeyApp(app): KeyApp) -> ApiResult<Json<SiteBody>> {
    Ok(Json(about::site(&services, &app)?.into()))
}
