//! The signed-in person's own settings.

use axum::{Json, extract::State};
use ox_app::{Services, accounts, accounts::ProfileChange, model::Account};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;

use super::{App, guard::Caller, view::seconds};
use crate::{ApiResult, error::ErrorBody, extract::Body, openapi::routes};

pub fn router() -> OpenApiRouter<std::sync::Arc<Services>> {
    OpenApiRouter::new()
        .routes(routes!(profile))
        .routes(routes!(set_name))
        .routes(routes!(set_avatar))
        .routes(routes!(set_language))
        .routes(routes!(set_theme))
        .routes(routes!(set_timezone))
        .routes(routes!(set_password))
}

/// The signed-in account.
#[derive(Serialize, ToSchema)]
pub struct AccountView {
    #[schema(value_type = uuid::Uuid)]
    id: ox_types::AccountId,
    name: String,
    email: String,
    avatar: Option<String>,
    avatar_url: Option<String>,
    is_password_set: bool,
    interface_language: Option<String>,
    interface_theme: Option<String>,
    timezone: Option<String>,
    last_login_at: Option<i64>,
    last_login_ip: Option<String>,
    created_at: i64,
}

impl From<Account> for AccountView {
    fn from(account: Account) -> Self {
        Self {
            id: account.id,
            name: account.name,
            email: account.email,
            avatar_url: account.avatar.clone().filter(|avatar| avatar.starts_with("http")),
            avatar: account.avatar,
            is_password_set: account.password.is_some(),
            interface_language: account.interface_language,
            interface_theme: account.interface_theme,
            timezone: account.timezone,
            last_login_at: account.last_login_at.map(seconds),
            last_login_ip: account.last_login_ip,
            created_at: seconds(account.created_at),
        }
    }
}

#[utoipa::path(get, path = "/account/profile", tag = "account", responses((status = 200, body = AccountView), (status = 401, body = ErrorBody)))]
async fn profile(State(services): App, Caller(caller): Caller) -> ApiResult<Json<AccountView>> {
    Ok(Json(accounts::profile(&services, &caller).await?.into()))
}

macro_rules! setting {
    ($handler:ident, $body:ident, $path:literal, $field:ident, $change:ident, $doc:literal) => {
        #[doc = $doc]
        #[derive(Deserialize, ToSchema)]
        pub struct $body {
            $field: String,
        }

        #[utoipa::path(post, path = $path, tag = "account", request_body = $body,
            responses((status = 200, body = AccountView), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody)))]
        async fn $handler(State(services): App, Caller(caller): Caller, Body(body): Body<$body>) -> ApiResult<Json<AccountView>> {
            let account = accounts::change_profile(&services, &caller, ProfileChange::$change(body.$field)).await?;
            Ok(Json(account.into()))
        }
    };
}

setting!(set_name, NameChange, "/account/name", name, Name, "3 to 30 characters.");
setting!(set_avatar, AvatarChange, "/account/avatar", avatar, Avatar, "Upload file id or URL.");
setting!(
    set_language,
    LanguageChange,
    "/account/interface-language",
    interface_language,
    Language,
    "A supported language."
);
setting!(set_theme, ThemeChange, "/account/interface-theme", interface_theme, Theme, "`light`, `dark` or `system`.");
setting!(set_timezone, TimezoneChange, "/account/timezone", timezone, Timezone, "IANA name.");

/// A new password.
#[derive(Deserialize, ToSchema)]
pub struct PasswordChange {
    /// The current one; needed if one is set.
    password: Option<String>,
    new_password: String,
    repeat_new_password: String,
}

#[utoipa::path(post, path = "/account/password", tag = "account", request_body = PasswordChange,
    responses((status = 200, body = AccountView), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody)))]
async fn set_password(
    State(services): App,
    Caller(caller): Caller,
    Body(body): Body<PasswordChange>,
) -> ApiResult<Json<AccountView>> {
    let PasswordChange { password, new_password, repeat_new_password } = body;
    let account = accounts::change_password(&services, &caller, password, new_password, &repeat_new_password).await?;
    Ok(Json(account.into()))
}
