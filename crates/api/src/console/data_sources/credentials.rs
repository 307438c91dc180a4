//! Credentials of the services that documents come from, a service named by author, plugin and provider.

use std::sync::Arc;

use axum::{
    Json,
    extract::{FromRequestParts, State},
    http::request::Parts,
};
use ox_app::{
    Error, Services,
    knowledge::sources::{self, CredentialView, Field, Provider, workspace_of},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use uuid::Uuid;

use crate::{
    ApiError, ApiResult,
    console::{App, guard::Caller, view::Done},
    error::ErrorBody,
    extract::{Body, Path},
    openapi::routes,
};

pub(super) fn router() -> OpenApiRouter<Arc<Services>> {
    OpenApiRouter::new()
        .routes(routes!(providers))
        .routes(routes!(default_providers))
        .routes(routes!(credentials, add))
        .routes(routes!(update))
        .routes(routes!(delete))
        .routes(routes!(rename))
        .routes(routes!(set_default))
}

/// The service that a path names by author, plugin and provider.
struct Named(Provider);

impl<S: Send + Sync> FromRequestParts<S> for Named {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        let Path((_, _, provider)) = Path::<(String, String, String)>::from_request_parts(parts, state).await?;
        Ok(Self(Provider::of_id(&provider)?))
    }
}

/// A text in the languages of the Studio.
#[derive(Serialize, ToSchema)]
pub struct SourceText {
    #[serde(rename = "en_US")]
    en: &'static str,
    #[serde(rename = "zh_Hans")]
    zh: &'static str,
}

impl From<&Field> for SourceText {
    fn from(field: &Field) -> Self {
        Self { en: field.label, zh: field.label_zh }
    }
}

impl From<&'static str> for SourceText {
    fn from(text: &'static str) -> Self {
        Self { en: text, zh: text }
    }
}

/// A field of a credential.
#[derive(Serialize, ToSchema)]
pub struct SourceField {
    name: &'static str,
    /// `secret-input` or `text-input`.
    #[serde(rename = "type")]
    kind: &'static str,
    required: bool,
    default: Option<&'static str>,
    label: SourceText,
}

impl From<&Field> for SourceField {
    fn from(field: &Field) -> Self {
        Self {
            name: field.name,
            kind: if field.is_secret { "secret-input" } else { "text-input" },
            required: field.is_required,
            default: field.default,
            label: field.into(),
        }
    }
}

/// A credential, secrets masked.
#[derive(Serialize, ToSchema)]
pub struct SourceCredential {
    id: Uuid,
    name: String,
    /// `api-key` or `oauth2`.
    #[serde(rename = "type")]
    kind: String,
    is_default: bool,
    /// Ours.
    disabled: bool,
    avatar_url: Option<String>,
    #[schema(value_type = Object)]
    credential: Value,
    /// What Notion tells of its workspace; ours.
    #[schema(value_type = Option<Object>)]
    workspace: Option<Value>,
}

impl From<CredentialView> for SourceCredential {
    fn from(view: CredentialView) -> Self {
        let workspace = (view.provider == Provider::Notion).then(|| workspace_of(&view.row));
        Self {
            id: view.row.id,
            name: view.row.name,
            kind: view.row.auth_type,
            is_default: view.row.is_default,
            disabled: view.row.disabled,
            avatar_url: view.row.avatar_url,
            credential: view.values,
            workspace,
        }
    }
}

/// A service that documents come from.
#[derive(Serialize, ToSchema)]
pub struct SourceProvider {
    /// `{plugin}/{provider}`
    id: String,
    provider: &'static str,
    plugin_id: &'static str,
    name: &'static str,
    label: SourceText,
    /// `online_document`, `website_crawl` or `online_drive`.
    provider_type: &'static str,
    /// Where a key is got; ours.
    help: &'static str,
    /// It can be signed in at; ours.
    oauth: bool,
    is_installed: bool,
    credential_schema: Vec<SourceField>,
    credentials_list: Vec<SourceCredential>,
}

/// The services that documents come from.
#[derive(Serialize, ToSchema)]
pub struct SourceProviders {
    result: Vec<SourceProvider>,
}

async fn all(services: &Services, caller: &ox_app::Principal) -> Result<SourceProviders, Error> {
    let mut found = sources::list(services, caller).await?;
    let settings = &services.settings.sources;
    let has_client = settings.notion_client_id.is_some() && settings.notion_client_secret.is_some();
    let oauth = if settings.notion_internal { settings.notion_secret.is_some() } else { has_client };
    let mut result = Vec::new();
    for provider in Provider::ALL {
        let (own, others): (Vec<_>, Vec<_>) = found.into_iter().partition(|view| view.provider == provider);
        found = others;
        result.push(SourceProvider {
            id: format!("{}/{}", provider.plugin(), provider.name()),
            provider: provider.name(),
            plugin_id: provider.plugin(),
            name: provider.name(),
            label: provider.label().into(),
            provider_type: provider.kind(),
            help: provider.help(),
            oauth: oauth && provider == Provider::Notion,
            is_installed: true,
            credential_schema: provider.fields().iter().map(SourceField::from).collect(),
            credentials_list: own.into_iter().map(SourceCredential::from).collect(),
        });
    }
    Ok(SourceProviders { result })
}

#[utoipa::path(get, path = "/auth/plugin/datasource/list", tag = "data sources",
    responses((status = 200, body = SourceProviders), (status = 401, body = ErrorBody)))]
async fn providers(State(services): App, Caller(caller): Caller) -> ApiResult<Json<SourceProviders>> {
    Ok(Json(all(&services, &caller).await?))
}

#[utoipa::path(get, path = "/auth/plugin/datasource/default-list", tag = "data sources",
    responses((status = 200, body = SourceProviders), (status = 401, body = ErrorBody)))]
async fn default_providers(State(services): App, Caller(caller): Caller) -> ApiResult<Json<SourceProviders>> {
    Ok(Json(all(&services, &caller).await?))
}

/// The credentials of a service.
#[derive(Serialize, ToSchema)]
pub struct SourceCredentials {
    result: Vec<SourceCredential>,
}

#[utoipa::path(get, path = "/auth/plugin/datasource/{author}/{plugin}/{provider}", tag = "data sources",
    params(("author" = String, Path), ("plugin" = String, Path), ("provider" = String, Path)),
    responses((status = 200, body = SourceCredentials), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn credentials(
    State(services): App,
    Caller(caller): Caller,
    Named(provider): Named,
) -> ApiResult<Json<SourceCredentials>> {
    let found = sources::list(&services, &caller).await?;
    let own = found.into_iter().filter(|view| view.provider == provider);
    Ok(Json(SourceCredentials { result: own.map(SourceCredential::from).collect() }))
}

/// A new credential.
#[derive(Deserialize, ToSchema)]
pub struct NewCredential {
    #[schema(value_type = Object)]
    credentials: Value,
    name: Option<String>,
}

#[utoipa::path(post, path = "/auth/plugin/datasource/{author}/{plugin}/{provider}", tag = "data sources",
    params(("author" = String, Path), ("plugin" = String, Path), ("provider" = String, Path)), request_body = NewCredential,
    responses((status = 200, body = Done), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn add(
    State(services): App,
    Caller(caller): Caller,
    Named(provider): Named,
    Body(body): Body<NewCredential>,
) -> ApiResult<Json<Done>> {
    sources::add(&services, &caller, provider, body.name, &body.credentials).await?;
    Ok(Json(Done::SUCCESS))
}

/// What is to change of a credential.
#[derive(Deserialize, ToSchema)]
pub struct CredentialChange {
    credential_id: Uuid,
    name: Option<String>,
    /// Masked values are kept.
    #[schema(value_type = Option<Object>)]
    credentials: Option<Value>,
}

#[utoipa::path(post, path = "/auth/plugin/datasource/{author}/{plugin}/{provider}/update", tag = "data sources",
    params(("author" = String, Path), ("plugin" = String, Path), ("provider" = String, Path)), request_body = CredentialChange,
    responses((status = 200, body = Done), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn update(
    State(services): App,
    Caller(caller): Caller,
    Named(_provider): Named,
    Body(body): Body<CredentialChange>,
) -> ApiResult<Json<Done>> {
    sources::update(&services, &caller, body.credential_id, body.name, body.credentials).await?;
    Ok(Json(Done::SUCCESS))
}

#[utoipa::path(post, path = "/auth/plugin/datasource/{author}/{plugin}/{provider}/update-name", tag = "data sources",
    params(("author" = String, Path), ("plugin" = String, Path), ("provider" = String, Path)), request_body = CredentialChange,
    responses((status = 200, body = Done), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn rename(
    State(services): App,
    Caller(caller): Caller,
    Named(_provider): Named,
    Body(body): Body<CredentialChange>,
) -> ApiResult<Json<Done>> {
    sources::update(&services, &caller, body.credential_id, body.name, None).await?;
    Ok(Json(Done::SUCCESS))
}

/// Which credential is meant.
#[derive(Deserialize, ToSchema)]
pub struct CredentialChoice {
    #[serde(alias = "id")]
    credential_id: Uuid,
}

#[utoipa::path(post, path = "/auth/plugin/datasource/{author}/{plugin}/{provider}/delete", tag = "data sources",
    params(("author" = String, Path), ("plugin" = String, Path), ("provider" = String, Path)), request_body = CredentialChoice,
    responses((status = 200, body = Done), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn delete(
    State(services): App,
    Caller(caller): Caller,
    Named(_provider): Named,
    Body(body): Body<CredentialChoice>,
) -> ApiResult<Json<Done>> {
    sources::delete(&services, &caller, body.credential_id).await?;
    Ok(Json(Done::SUCCESS))
}

#[utoipa::path(post, path = "/auth/plugin/datasource/{author}/{plugin}/{provider}/default", tag = "data sources",
    params(("author" = String, Path), ("plugin" = String, Path), ("provider" = String, Path)), request_body = CredentialChoice,
    responses((status = 200, body = Done), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn set_default(
    State(services): App,
    Caller(caller): Caller,
    Named(_provider): Named,
    Body(body): Body<CredentialChoice>,
) -> ApiResult<Json<Done>> {
    sources::set_default(&services, &caller, body.credential_id).await?;
    Ok(Json(Done::SUCCESS))
}
