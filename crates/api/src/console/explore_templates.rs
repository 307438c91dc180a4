//! Apps to begin with (reference §19).

use axum::{Json, extract::State};
use ox_app::{Services, explore::templates};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use uuid::Uuid;

use super::{App, guard::Caller};
use crate::{
    ApiResult,
    error::ErrorBody,
    extract::{Path, Query},
    openapi::routes,
};

pub fn router() -> OpenApiRouter<std::sync::Arc<Services>> {
    OpenApiRouter::new().routes(routes!(templates_list)).routes(routes!(template))
}

#[derive(Deserialize, IntoParams)]
struct LanguageQuery {
    /// `en-US` (default) or `zh-Hans`.
    language: Option<String>,
}

/// The templates that come with this program.
#[utoipa::path(get, path = "/explore/apps", tag = "explore", params(LanguageQuery),
    responses((status = 200, body = Object), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody)))]
async fn templates_list(Caller(_caller): Caller, Query(query): Query<LanguageQuery>) -> Json<Value> {
    let found = templates::list(query.language.as_deref().unwrap_or("en-US"));
    let mut categories: Vec<&str> = Vec::new();
    for item in &found {
        if !categories.contains(&item.category) {
            categories.push(item.category);
        }
    }
    let apps = found.iter().enumerate().map(|(position, item)| {
        json!({
            "app": {"id": item.id, "name": item.name, "mode": item.mode, "icon": item.icon, "icon_type": "emoji",
                "icon_url": null, "icon_background": item.icon_background},
            "app_id": item.id, "description": item.description, "copyright": "", "privacy_policy": null,
            "custom_disclaimer": "", "category": item.category, "position": position, "is_listed": true,
            "can_trial": true,
        })
    });
    Json(json!({"recommended_apps": apps.collect::<Vec<_>>(), "categories": categories}))
}

/// A template with its file, which names the workspace's default model.
#[utoipa::path(get, path = "/explore/apps/{app_id}", tag = "explore", params(("app_id" = Uuid, Path), LanguageQuery),
    responses((status = 200, body = Object), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn template(
    State(services): App,
    Caller(caller): Caller,
    Path(id): Path<Uuid>,
    Query(query): Query<LanguageQuery>,
) -> ApiResult<Json<Value>> {
    let language = query.language.as_deref().unwrap_or("en-US");
    let (item, file) = templates::find(&services, &caller, id, language).await?;
    Ok(Json(json!({
        "id": item.id, "name": item.name, "icon": item.icon, "icon_background": item.icon_background, "mode": item.mode,
        "export_data": file,
    })))
}
