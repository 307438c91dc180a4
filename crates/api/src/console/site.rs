//! The published page of an app and its switches.

use axum::{Json, extract::State};
use ox_app::{
    Services,
    apps::{self, SiteChange},
    model::Site,
};
use ox_types::{AppId, FileId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use uuid::Uuid;

use super::{
    App,
    apps::{AppDetail, detail},
    guard::Caller,
    view::seconds,
};
use crate::{
    ApiResult,
    error::ErrorBody,
    extract::{Body, Path},
    openapi::routes,
};

pub fn router() -> OpenApiRouter<std::sync::Arc<Services>> {
    OpenApiRouter::new()
        .routes(routes!(update))
        .routes(routes!(reset_code))
        .routes(routes!(enable_site))
        .routes(routes!(enable_api))
}

/// The published page.
#[derive(Serialize, ToSchema)]
pub struct SiteView {
    /// Public code, the last part of the address.
    access_token: Option<String>,
    code: Option<String>,
    title: String,
    icon_type: Option<String>,
    icon: Option<String>,
    icon_background: Option<String>,
    icon_url: Option<String>,
    description: Option<String>,
    default_language: String,
    chat_color_theme: Option<String>,
    chat_color_theme_inverted: bool,
    customize_domain: Option<String>,
    copyright: Option<String>,
    privacy_policy: Option<String>,
    custom_disclaimer: String,
    customize_token_strategy: String,
    prompt_public: bool,
    /// Origin of the page; empty means the origin of the Studio.
    app_base_url: String,
    show_workflow_steps: bool,
    use_icon_as_answer_icon: bool,
    created_by: Option<Uuid>,
    created_at: i64,
    updated_by: Option<Uuid>,
    updated_at: i64,
}

impl SiteView {
    pub fn new(services: &Services, site: Site) -> Self {
        let picture = site.icon.as_deref().filter(|_| site.icon_type.as_deref() == Some("image"));
        let icon_url = picture.and_then(|id| id.parse().ok()).map(|id| services.files.preview_url(FileId(id)));
        Self {
            access_token: site.code.clone(),
            code: site.code,
            title: site.title,
            icon_type: site.icon_type,
            icon: site.icon,
            icon_background: site.icon_background,
            icon_url,
            description: site.description,
            default_language: site.default_language,
            chat_color_theme: site.chat_color_theme,
            chat_color_theme_inverted: site.chat_color_theme_inverted,
            customize_domain: site.customize_domain,
            copyright: site.copyright,
            privacy_policy: site.privacy_policy,
            custom_disclaimer: site.custom_disclaimer,
            customize_token_strategy: site.customize_token_strategy,
            prompt_public: site.prompt_public,
            app_base_url: services.settings.app_web_url.clone(),
            show_workflow_steps: site.show_workflow_steps,
            use_icon_as_answer_icon: site.use_icon_as_answer_icon,
            created_by: site.created_by.map(Uuid::from),
            created_at: seconds(site.created_at),
            updated_by: site.updated_by.map(Uuid::from),
            updated_at: seconds(site.updated_at),
        }
    }
}

/// What may change; absent fields stay.
#[derive(Deserialize, ToSchema)]
pub struct SiteBody {
    title: Option<String>,
    icon_type: Option<String>,
    icon: Option<String>,
    icon_background: Option<String>,
    description: Option<String>,
    default_language: Option<String>,
    chat_color_theme: Option<String>,
    chat_color_theme_inverted: Option<bool>,
    customize_domain: Option<String>,
    copyright: Option<String>,
    privacy_policy: Option<String>,
    custom_disclaimer: Option<String>,
    customize_token_strategy: Option<String>,
    prompt_public: Option<bool>,
    show_workflow_steps: Option<bool>,
    use_icon_as_answer_icon: Option<bool>,
}

impl From<SiteBody> for SiteChange {
    fn from(body: SiteBody) -> Self {
        Self {
            title: body.title,
            icon_type: body.icon_type,
            icon: body.icon,
            icon_background: body.icon_background,
            description: body.description,
            default_language: body.default_language,
            chat_color_theme: body.chat_color_theme,
            chat_color_theme_inverted: body.chat_color_theme_inverted,
            customize_domain: body.customize_domain,
            copyright: body.copyright,
            privacy_policy: body.privacy_policy,
            custom_disclaimer: body.custom_disclaimer,
            customize_token_strategy: body.customize_token_strategy,
            prompt_public: body.prompt_public,
            show_workflow_steps: body.show_workflow_steps,
            use_icon_as_answer_icon: body.use_icon_as_answer_icon,
        }
    }
}

#[utoipa::path(post, path = "/apps/{app_id}/site", tag = "site", request_body = SiteBody, params(("app_id" = Uuid, Path)),
    responses((status = 200, body = SiteView), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn update(
    State(services): App,
    Caller(caller): Caller,
    Path(id): Path<AppId>,
    Body(body): Body<SiteBody>,
) -> ApiResult<Json<SiteView>> {
    let site = apps::update_site(&services, &caller, id, body.into()).await?;
    Ok(Json(SiteView::new(&services, site)))
}

#[utoipa::path(post, path = "/apps/{app_id}/site/access-token-reset", tag = "site", params(("app_id" = Uuid, Path)),
    responses((status = 200, body = SiteView), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn reset_code(State(services): App, Caller(caller): Caller, Path(id): Path<AppId>) -> ApiResult<Json<SiteView>> {
    let site = apps::reset_code(&services, &caller, id).await?;
    Ok(Json(SiteView::new(&services, site)))
}

/// On or off.
#[derive(Deserialize, ToSchema)]
pub struct EnableSite {
    enable_site: bool,
}

#[utoipa::path(post, path = "/apps/{app_id}/site-enable", tag = "site", request_body = EnableSite, params(("app_id" = Uuid, Path)),
    responses((status = 200, body = AppDetail), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn enable_site(
    State(services): App,
    Caller(caller): Caller,
    Path(id): Path<AppId>,
    Body(body): Body<EnableSite>,
) -> ApiResult<Json<AppDetail>> {
    Ok(Json(detail(&services, apps::set_site(&services, &caller, id, body.enable_site).await?)))
}

/// On or off.
#[derive(Deserialize, ToSchema)]
pub struct EnableApi {
    enable_api: bool,
}

#[utoipa::path(post, path = "/apps/{app_id}/api-enable", tag = "site", request_body = EnableApi, params(("app_id" = Uuid, Path)),
    responses((status = 200, body = AppDetail), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn enable_api(
    State(services): App,
    Caller(caller): Caller,
    Path(id): Path<AppId>,
    Body(body): Body<EnableApi>,
) -> ApiResult<Json<AppDetail>> {
    Ok(Json(detail(&services, apps::set_api(&services, &caller, id, body.enable_api).await?)))
}
