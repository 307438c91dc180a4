//! Explore: the apps of the workspace as its members use them (reference §19).

use axum::{Json, extract::State};
use ox_app::{
    Principal, Services,
    explore::{self, InstalledView},
    principal::Permission,
};
use ox_types::{AppId, FileId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use uuid::Uuid;

use super::{App, guard::Caller, view::seconds};
use crate::{
    ApiResult,
    error::ErrorBody,
    extract::{Body, Path, Query},
    openapi::routes,
};

pub fn router() -> OpenApiRouter<std::sync::Arc<Services>> {
    OpenApiRouter::new().routes(routes!(list, install)).routes(routes!(change, uninstall))
}

/// The app behind an entry.
#[derive(Serialize, ToSchema)]
pub struct InstalledAppInfo {
    #[schema(value_type = Uuid)]
    id: AppId,
    name: String,
    description: String,
    mode: String,
    icon_type: Option<String>,
    icon: Option<String>,
    icon_background: Option<String>,
    icon_url: Option<String>,
    use_icon_as_answer_icon: bool,
}

/// An entry of the list.
#[derive(Serialize, ToSchema)]
pub struct InstalledItem {
    id: Uuid,
    app: InstalledAppInfo,
    app_owner_tenant_id: Uuid,
    is_pinned: bool,
    last_used_at: Option<i64>,
    /// The caller may change the list.
    editable: bool,
    /// Compat: true for apps of this workspace, which cannot be taken from the list.
    uninstallable: bool,
}

fn item(services: &Services, caller: &Principal, view: InstalledView) -> InstalledItem {
    let InstalledView { installed, app } = view;
    let picture = app.icon.as_deref().filter(|_| app.icon_type.as_deref() == Some("image"));
    let icon_url = picture.and_then(|id| id.parse().ok()).map(|id| services.files.preview_url(FileId(id)));
    InstalledItem {
        id: installed.id,
        app_owner_tenant_id: installed.app_owner_tenant_id.0,
        is_pinned: installed.is_pinned,
        last_used_at: installed.last_used_at.map(seconds),
        editable: caller.require(Permission::MemberManage).is_ok(),
        uninstallable: installed.app_owner_tenant_id == caller.tenant_id(),
        app: InstalledAppInfo {
            id: app.id,
            name: app.name,
            description: app.description,
            mode: app.mode,
            icon_type: app.icon_type,
            icon: app.icon,
            icon_background: app.icon_background,
            icon_url,
            use_icon_as_answer_icon: app.use_icon_as_answer_icon,
        },
    }
}

/// Only the entry of this app.
#[derive(Deserialize, IntoParams)]
struct ListQuery {
    #[param(value_type = Option<Uuid>)]
    app_id: Option<AppId>,
}

/// The apps of the workspace.
#[derive(Serialize, ToSchema)]
pub struct InstalledApps {
    installed_apps: Vec<InstalledItem>,
}

#[utoipa::path(get, path = "/installed-apps", tag = "explore", params(ListQuery),
    responses((status = 200, body = InstalledApps), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody)))]
async fn list(
    State(services): App,
    Caller(caller): Caller,
    Query(query): Query<ListQuery>,
) -> ApiResult<Json<InstalledApps>> {
    let found = explore::list(&services, &caller, query.app_id).await?;
    let installed_apps = found.into_iter().map(|view| item(&services, &caller, view)).collect();
    Ok(Json(InstalledApps { installed_apps }))
}

/// Which app.
#[derive(Deserialize, ToSchema)]
pub struct Install {
    #[schema(value_type = Uuid)]
    app_id: AppId,
}

/// What was done.
#[derive(Serialize, ToSchema)]
pub struct Told {
    /// `success`
    result: &'static str,
    message: &'static str,
}

const fn told(message: &'static str) -> Json<Told> {
    Json(Told { result: "success", message })
}

#[utoipa::path(post, path = "/installed-apps", tag = "explore", request_body = Install,
    responses((status = 200, body = Told), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn install(State(services): App, Caller(caller): Caller, Body(body): Body<Install>) -> ApiResult<Json<Told>> {
    explore::install(&services, &caller, body.app_id).await?;
    Ok(told("App installed successfully"))
}

/// What may change.
#[derive(Deserialize, ToSchema)]
pub struct ChangeInstalled {
    is_pinned: Option<bool>,
}

#[utoipa::path(patch, path = "/installed-apps/{installed_app_id}", tag = "explore", request_body = ChangeInstalled, params(("installed_app_id" = Uuid, Path)),
    responses((status = 200, body = Told), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn change(
    State(services): App,
    Caller(caller): Caller,
    Path(id): Path<Uuid>,
    Body(body): Body<ChangeInstalled>,
) -> ApiResult<Json<Told>> {
    explore::caller(&services, &caller, id).await?;
    if let Some(pinned) = body.is_pinned {
        explore::set_pinned(&services, &caller, id, pinned).await?;
    }
    Ok(told("App info updated successfully"))
}

#[utoipa::path(delete, path = "/installed-apps/{installed_app_id}", tag = "explore", params(("installed_app_id" = Uuid, Path)),
    responses((status = 200, body = Told), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn uninstall(State(services): App, Caller(caller): Caller, Path(id): Path<Uuid>) -> ApiResult<Json<Told>> {
    explore::uninstall(&services, &caller, id).await?;
    Ok(told("App uninstalled successfully"))
}
