//! End users by the ids that other answers name.

use axum::{Json, extract::State};
use chrono::SecondsFormat;
use ox_app::end_users::{self, EndUser};
use ox_types::EndUserId;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{App, KeyApp};
use crate::{ApiResult, error::ErrorBody, extract::Path};

/// An end user of the app.
#[derive(Serialize, ToSchema)]
pub struct EndUserBody {
    pub id: Uuid,
    pub tenant_id: Uuid,
    pub app_id: Option<Uuid>,
    /// `service-api`, `browser`, ….
    #[serde(rename = "type")]
    pub kind: String,
    /// The caller's own name for the user.
    pub external_user_id: Option<String>,
    pub name: Option<String>,
    pub is_anonymous: bool,
    pub session_id: String,
    /// ISO 8601.
    pub created_at: String,
    pub updated_at: String,
}

impl From<EndUser> for EndUserBody {
    fn from(user: EndUser) -> Self {
        let iso = |at: chrono::DateTime<chrono::Utc>| at.to_rfc3339_opts(SecondsFormat::Secs, true);
        Self {
            id: user.id.0,
            tenant_id: user.tenant_id.0,
            app_id: user.app_id.map(|id| id.0),
            kind: user.kind,
            external_user_id: user.external_user_id,
            name: user.name,
            is_anonymous: user.is_anonymous,
            session_id: user.session_id,
            created_at: iso(user.created_at),
            updated_at: iso(user.updated_at),
        }
    }
}

/// An end user of the app.
#[utoipa::path(get, path = "/end-users/{end_user_id}", tag = "End users", security(("app_key" = [])),
    params(("end_user_id" = Uuid, Path)),
    responses((status = 200, body = EndUserBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub async fn find(
    State(services): App,
    KeyApp(app): KeyApp,
    Path(id): Path<EndUserId>,
) -> ApiResult<Json<EndUserBody>> {
    Ok(Json(end_users::find(&services, &app, id).await?.into()))
}
