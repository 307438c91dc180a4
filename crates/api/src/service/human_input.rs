//! Forms of waiting runs.

use axum::{Json, extract::State};
use ox_app::{
    AppCaller, Error, about,
    human_input::{self, Door},
    model::HumanInputForm,
};
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::{App, KeyApp, fields::required_user};
use crate::{
    ApiResult,
    error::ErrorBody,
    extract::{Body, Path},
};

/// A form to be answered.
#[derive(Serialize, ToSchema)]
pub struct FormBody {
    /// Markdown; fields are `{{#$output.name#}}`.
    pub form_content: Value,
    #[schema(value_type = Vec<Object>)]
    pub inputs: Value,
    #[schema(value_type = Object)]
    pub resolved_default_values: Value,
    #[schema(value_type = Vec<Object>)]
    pub user_actions: Value,
    pub expiration_time: i64,
}

impl FormBody {
    /// What may be seen of a form.
    pub fn new(form: &HumanInputForm) -> Self {
        let part = |key: &str| form.definition.get(key).cloned().unwrap_or_default();
        Self {
            form_content: part("form_content"),
            inputs: part("inputs"),
            resolved_default_values: part("resolved_default_values"),
            user_actions: part("actions"),
            expiration_time: form.expires_at.timestamp(),
        }
    }
}

/// Answers and the chosen action.
#[derive(ToSchema)]
#[expect(dead_code, reason = "documents the body")]
pub struct FormAnswer {
    #[schema(value_type = Object)]
    inputs: Map<String, Value>,
    /// Id of a user action.
    action: String,
    user: String,
}

/// Answers and the chosen action, read from a body.
///
/// # Errors
/// 400 when they have the wrong shape.
pub fn answer_of(mut map: Map<String, Value>) -> Result<(Map<String, Value>, String), Error> {
    let inputs = match map.remove("inputs") {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Object(inputs)) => inputs,
        Some(_) => return Err(Error::invalid_field("inputs", "inputs: Input should be a valid dictionary")),
    };
    match map.remove("action") {
        Some(Value::String(action)) => Ok((inputs, action)),
        _ => Err(Error::invalid_field("action", "action: Field required")),
    }
}

/// A form that a run waits for.
#[utoipa::path(get, path = "/form/human_input/{form_token}", tag = "Human input", security(("app_key" = [])),
    params(("form_token" = String, Path)),
    responses((status = 200, body = FormBody), (status = 404, body = ErrorBody), (status = 412, body = ErrorBody)))]
pub async fn read(State(services): App, KeyApp(app): KeyApp, Path(token): Path<String>) -> ApiResult<Json<FormBody>> {
    let form = human_input::find(&services, Door::Key(app.app.id), &token).await?;
    Ok(Json(FormBody::new(&form)))
}

/// Answer a form; its run goes on.
#[utoipa::path(post, path = "/form/human_input/{form_token}", tag = "Human input", security(("app_key" = [])),
    params(("form_token" = String, Path)), request_body = FormAnswer,
    responses((status = 200, body = Object), (status = 400, body = ErrorBody), (status = 404, body = ErrorBody),
        (status = 412, body = ErrorBody)))]
pub async fn submit(
    State(services): App,
    KeyApp(app): KeyApp,
    Path(token): Path<String>,
    Body(map): Body<Map<String, Value>>,
) -> ApiResult<Json<Value>> {
    let user = required_user(&map)?;
    let (inputs, action) = answer_of(map)?;
    let door = Door::Key(app.app.id);
    let caller = AppCaller::service(&services, app, Some(&user)).await?;
    human_input::submit(&services, door, &token, &inputs, &action, Some(&caller)).await?;
    Ok(Json(json!({})))
}

/// Look and texts of the app a form belongs to, for its page.
pub(crate) fn site_of(services: &ox_app::Services, app: &ox_app::runs::PublishedApp) -> Value {
    let Ok(about::SiteInfo { site, icon_url }) = about::site(services, app) else { return Value::Null };
    json!({
        "title": site.title,
        "icon_type": site.icon_type,
        "icon": site.icon,
        "icon_background": site.icon_background,
        "icon_url": icon_url,
        "description": site.description,
        "copyright": site.copyright,
        "privacy_policy": site.privacy_policy,
        "custom_disclaimer": site.custom_disclaimer,
        "default_language": site.default_language,
        "chat_color_theme": site.chat_color_theme,
        "chat_color_theme_inverted": site.chat_color_theme_inverted,
        "use_icon_as_answer_icon": site.use_icon_as_answer_icon,
    })
}
