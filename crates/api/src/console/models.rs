//! Model providers, credentials, models, defaults.

use std::time::Duration;

use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use ox_app::{
    Error, Principal, Services,
    providers::{self, ModelTarget, ModelView, ProviderView, Tried},
};
use ox_models::{Credentials, ModelKind};
use ox_types::AppId;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use uuid::Uuid;

use super::{App, guard::Caller, view::Done};
use crate::{
    ApiResult,
    error::ErrorBody,
    extract::{Body, Path, Query},
    openapi::routes,
};

pub fn router() -> OpenApiRouter<std::sync::Arc<Services>> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(get_credentials, add_credentials, update_credentials, delete_credentials))
        .routes(routes!(switch_credentials))
        .routes(routes!(validate_credentials))
        .routes(routes!(preferred_type))
        .routes(routes!(models, save_model, delete_model))
        .routes(routes!(model_credentials, add_model, update_model, delete_model_credentials))
        .routes(routes!(switch_model_credentials))
        .routes(routes!(validate_model))
        .routes(routes!(enable_model))
        .routes(routes!(disable_model))
        .routes(routes!(parameter_rules))
        .routes(routes!(models_of_kind))
        .routes(routes!(default_model, set_default_models))
        .routes(routes!(icon))
}

fn icon_urls(tenant: &Principal, provider: &str) -> Value {
    let id = provider.replace('/', "%2F");
    let url = |language: &str| {
        format!("/console/api/workspaces/{}/model-providers/{id}/icon_small/{language}", tenant.tenant_id())
    };
    json!({"en_US": url("en_US"), "zh_Hans": url("zh_Hans")})
}

fn provider_json(caller: &Principal, view: &ProviderView) -> Value {
    let spec = view.provider.spec();
    let state = &view.state;
    let current = state.credentials.iter().find(|row| Some(row.id) == state.active);
    let available: Vec<_> = state
        .credentials
        .iter()
        .map(|row| json!({"credential_id": row.id, "credential_name": row.credential_name}))
        .collect();
    let custom: Vec<_> = state
        .custom_models
        .iter()
        .map(|row| {
            let kind = ModelKind::parse(&row.model_type).map_or(row.model_type.as_str(), |kind| kind.as_str());
            json!({"model": row.model_name, "model_type": kind, "credentials": {}, "current_credential_id": row.credential_id})
        })
        .collect();
    let schema =
        |fields: &[ox_models::FormField]| (!fields.is_empty()).then(|| json!({"credential_form_schemas": fields}));
    let model_schema = (!spec.model_form.is_empty()).then(|| {
        json!({"model": {"label": {"en_US": "Model name", "zh_Hans": "模型名称"}, "placeholder": null},
            "credential_form_schemas": spec.model_form})
    });
    json!({
        "tenant_id": caller.tenant_id(), "provider": spec.id, "label": spec.label, "description": spec.description,
        "icon_small": icon_urls(caller, &spec.id), "icon_small_dark": null, "background": spec.background,
        "help": spec.help.as_ref().map(|help| json!({"title": help.title, "url": help.url})),
        "supported_model_types": spec.supported_kinds, "configurate_methods": spec.configurate_methods,
        "provider_credential_schema": schema(&spec.provider_form), "model_credential_schema": model_schema,
        "preferred_provider_type": "custom",
        "custom_configuration": {
            "status": if state.is_usable() { "active" } else { "no-configure" },
            "current_credential_id": current.map(|row| row.id), "current_credential_name": current.map(|row| &row.credential_name),
            "available_credentials": available, "custom_models": custom, "can_added_models": [],
        },
        "system_configuration": {"enabled": false, "current_quota_type": null, "quota_configurations": []},
        "needs_credentials": !state.needs_none, "untested": spec.untested,
    })
}

fn model_json(view: &ModelView) -> Value {
    let spec = &view.spec;
    let status = if view.refused.is_some() { "no-permission" } else { view.status.as_str() };
    let refused = view.refused.as_ref().map(|why| json!({"by": why.by, "what": why.what, "message": why.message}));
    json!({
        "model": spec.model, "label": spec.label, "model_type": spec.kind, "features": spec.features,
        "fetch_from": spec.fetch_from, "model_properties": spec.model_properties, "deprecated": spec.deprecated,
        "status": status, "refused": refused, "load_balancing_enabled": view.is_balanced, "has_invalid_load_balancing_configs": false,
        "pricing": spec.pricing,
    })
}

#[derive(Deserialize, IntoParams)]
struct KindQuery {
    model_type: Option<String>,
}

fn kind(text: &str) -> Result<ModelKind, Error> {
    ModelKind::parse(text).ok_or_else(|| Error::invalid_field("model_type", format!("'{text}' is not a model type.")))
}

#[utoipa::path(get, path = "/workspaces/current/model-providers", tag = "models", params(KindQuery),
    responses((status = 200, body = Object), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody)))]
async fn list(State(services): App, Caller(caller): Caller, Query(query): Query<KindQuery>) -> ApiResult<Json<Value>> {
    let only = query.model_type.as_deref().filter(|text| !text.is_empty()).map(kind).transpose()?;
    let all = providers::list(&services, &caller, only).await?;
    Ok(Json(json!({"data": all.iter().map(|view| provider_json(&caller, view)).collect::<Vec<_>>()})))
}

#[derive(Deserialize, IntoParams)]
struct CredentialQuery {
    credential_id: Option<Uuid>,
}

/// Values of a credential form.
#[derive(Deserialize, ToSchema)]
pub struct CredentialBody {
    /// Needed when changing or deleting.
    credential_id: Option<Uuid>,
    /// `[__HIDDEN__]` keeps a stored secret.
    #[schema(value_type = Object)]
    #[serde(default)]
    credentials: Credentials,
    /// At most 30 characters.
    name: Option<String>,
}

fn needed(id: Option<Uuid>) -> Result<Uuid, Error> {
    id.ok_or_else(|| Error::invalid_field("credential_id", "credential_id: Field required"))
}

#[utoipa::path(get, path = "/workspaces/current/model-providers/{provider}/credentials", tag = "models", params(("provider" = String, Path), CredentialQuery),
    responses((status = 200, body = Object), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn get_credentials(
    State(services): App,
    Caller(caller): Caller,
    Path(provider): Path<String>,
    Query(query): Query<CredentialQuery>,
) -> ApiResult<Json<Value>> {
    let found = providers::credentials(&services, &caller, &provider, query.credential_id).await?;
    Ok(Json(json!({"credentials": found.map(|found| found.values)})))
}

#[utoipa::path(post, path = "/workspaces/current/model-providers/{provider}/credentials", tag = "models", request_body = CredentialBody, params(("provider" = String, Path)),
    responses((status = 201, body = Done), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn add_credentials(
    State(services): App,
    Caller(caller): Caller,
    Path(provider): Path<String>,
    Body(body): Body<CredentialBody>,
) -> ApiResult<(StatusCode, Json<Done>)> {
    providers::add_credential(&services, &caller, &provider, &body.credentials, body.name).await?;
    Ok((StatusCode::CREATED, Json(Done::SUCCESS)))
}

#[utoipa::path(put, path = "/workspaces/current/model-providers/{provider}/credentials", tag = "models", request_body = CredentialBody, params(("provider" = String, Path)),
    responses((status = 200, body = Done), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn update_credentials(
    State(services): App,
    Caller(caller): Caller,
    Path(provider): Path<String>,
    Body(body): Body<CredentialBody>,
) -> ApiResult<Json<Done>> {
    let id = needed(body.credential_id)?;
    providers::update_credential(&services, &caller, &provider, id, &body.credentials, body.name).await?;
    Ok(Json(Done::SUCCESS))
}

#[utoipa::path(delete, path = "/workspaces/current/model-providers/{provider}/credentials", tag = "models", request_body = CredentialBody, params(("provider" = String, Path)),
    responses((status = 204), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn delete_credentials(
    State(services): App,
    Caller(caller): Caller,
    Path(provider): Path<String>,
    Body(body): Body<CredentialBody>,
) -> ApiResult<StatusCode> {
    providers::delete_credential(&services, &caller, &provider, needed(body.credential_id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[utoipa::path(post, path = "/workspaces/current/model-providers/{provider}/credentials/switch", tag = "models", request_body = CredentialBody, params(("provider" = String, Path)),
    responses((status = 200, body = Done), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn switch_credentials(
    State(services): App,
    Caller(caller): Caller,
    Path(provider): Path<String>,
    Body(body): Body<CredentialBody>,
) -> ApiResult<Json<Done>> {
    providers::activate(&services, &caller, &provider, needed(body.credential_id)?).await?;
    Ok(Json(Done::SUCCESS))
}

/// Compat: a refused key is a 200 that says so. The times are ours: `latency_ms`, and `first_token_ms` of models that
/// write.
pub(super) fn verdict(result: Result<Tried, String>) -> Json<Value> {
    let ms = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    Json(match result {
        Ok(Tried { latency, first_token }) => {
            json!({"result": "success", "latency_ms": ms(latency), "first_token_ms": first_token.map(ms)})
        }
        Err(error) => json!({"result": "error", "error": error}),
    })
}

#[utoipa::path(post, path = "/workspaces/current/model-providers/{provider}/credentials/validate", tag = "models", request_body = CredentialBody, params(("provider" = String, Path)),
    responses((status = 200, body = Object), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn validate_credentials(
    State(services): App,
    Caller(caller): Caller,
    Path(provider): Path<String>,
    Body(body): Body<CredentialBody>,
) -> ApiResult<Json<Value>> {
    Ok(verdict(providers::validate(&services, &caller, &provider, body.credential_id, &body.credentials).await?))
}

/// `system` or `custom`.
#[derive(Deserialize, ToSchema)]
pub struct PreferredType {
    preferred_provider_type: String,
}

#[utoipa::path(post, path = "/workspaces/current/model-providers/{provider}/preferred-provider-type", tag = "models", request_body = PreferredType, params(("provider" = String, Path)),
    responses((status = 200, body = Done), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn preferred_type(
    State(services): App,
    Caller(_caller): Caller,
    Path(provider): Path<String>,
    Body(body): Body<PreferredType>,
) -> ApiResult<Json<Done>> {
    providers::find(&services, &provider)?;
    if body.preferred_provider_type == "custom" {
        return Ok(Json(Done::SUCCESS));
    }
    Err(Error::invalid_field("preferred_provider_type", "This installation has no system credentials: use your own.")
        .into())
}

#[utoipa::path(get, path = "/workspaces/current/model-providers/{provider}/models", tag = "models", params(("provider" = String, Path)),
    responses((status = 200, body = Object), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn models(State(services): App, Caller(caller): Caller, Path(provider): Path<String>) -> ApiResult<Json<Value>> {
    let all = providers::models(&services, &caller, &provider).await?;
    Ok(Json(json!({"data": all.iter().map(model_json).collect::<Vec<_>>()})))
}

/// A model, with what is done to it.
#[derive(Deserialize, ToSchema)]
pub struct ModelBody {
    model: String,
    model_type: String,
    credential_id: Option<Uuid>,
    #[schema(value_type = Object)]
    #[serde(default)]
    credentials: Credentials,
    name: Option<String>,
    load_balancing: Option<BalancingBody>,
}

/// Over which keys the calls of a model are spread.
#[derive(Deserialize, ToSchema)]
pub struct BalancingBody {
    #[serde(default)]
    enabled: bool,
    #[serde(default)]
    configs: Vec<KeyBody>,
}

/// A key of a model.
#[derive(Deserialize, ToSchema)]
pub struct KeyBody {
    /// Of one that is kept.
    id: Option<Uuid>,
    /// `__inherit__` is the credential that is used anyway.
    name: String,
    /// A stored credential of the provider or the model.
    credential_id: Option<Uuid>,
    /// `[__HIDDEN__]` keeps a stored secret.
    #[schema(value_type = Object)]
    #[serde(default)]
    credentials: Credentials,
    #[serde(default = "yes")]
    enabled: bool,
}

const fn yes() -> bool {
    true
}

impl From<KeyBody> for providers::KeyDraft {
    fn from(body: KeyBody) -> Self {
        let KeyBody { id, name, credential_id, credentials, enabled } = body;
        Self { id, name, credential_id, credentials, enabled }
    }
}

impl ModelBody {
    fn target(&self) -> Result<ModelTarget, Error> {
        ModelTarget::new(&self.model, &self.model_type)
    }
}

#[utoipa::path(post, path = "/workspaces/current/model-providers/{provider}/models", tag = "models", request_body = ModelBody, params(("provider" = String, Path)),
    responses((status = 200, body = Done), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn save_model(
    State(services): App,
    Caller(caller): Caller,
    Path(provider): Path<String>,
    Body(body): Body<ModelBody>,
) -> ApiResult<Json<Done>> {
    let target = body.target()?;
    if let Some(balancing) = body.load_balancing {
        let keys: Vec<_> = balancing.configs.into_iter().map(Into::into).collect();
        providers::set_balancing(&services, &caller, &provider, &target, balancing.enabled, &keys).await?;
        // Compat: both are sent together for custom models.
        if body.credential_id.is_none() {
            return Ok(Json(Done::SUCCESS));
        }
    }
    let id = needed(body.credential_id)?;
    providers::activate_model_credential(&services, &caller, &provider, &target, id).await?;
    Ok(Json(Done::SUCCESS))
}

#[utoipa::path(delete, path = "/workspaces/current/model-providers/{provider}/models", tag = "models", request_body = ModelBody, params(("provider" = String, Path)),
    responses((status = 204), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn delete_model(
    State(services): App,
    Caller(caller): Caller,
    Path(provider): Path<String>,
    Body(body): Body<ModelBody>,
) -> ApiResult<StatusCode> {
    providers::delete_model(&services, &caller, &provider, &body.target()?).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize, IntoParams)]
struct ModelQuery {
    model: String,
    model_type: String,
    credential_id: Option<Uuid>,
}

#[utoipa::path(get, path = "/workspaces/current/model-providers/{provider}/models/credentials", tag = "models", params(("provider" = String, Path), ModelQuery),
    responses((status = 200, body = Object), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn model_credentials(
    State(services): App,
    Caller(caller): Caller,
    Path(provider): Path<String>,
    Query(query): Query<ModelQuery>,
) -> ApiResult<Json<Value>> {
    let target = ModelTarget::new(&query.model, &query.model_type)?;
    let (active, all) = providers::model_credentials(&services, &caller, &provider, &target).await?;
    let shown = all.iter().find(|row| Some(row.id) == query.credential_id.or(active));
    let available: Vec<_> =
        all.iter().map(|row| json!({"credential_id": row.id, "credential_name": row.name})).collect();
    let balancing = providers::balancing(&services, &caller, &provider, &target).await?;
    let configs: Vec<_> = balancing
        .keys
        .iter()
        .map(|key| {
            json!({"id": key.id, "name": key.name, "credentials": key.credentials, "credential_id": key.credential_id,
                "enabled": key.enabled, "in_cooldown": key.rests.is_some(), "ttl": key.rests.map_or(0, |rest| rest.as_secs())})
        })
        .collect();
    Ok(Json(json!({
        "credentials": shown.map(|row| &row.values), "current_credential_id": active,
        "current_credential_name": all.iter().find(|row| Some(row.id) == active).map(|row| &row.name),
        "load_balancing": {"enabled": balancing.enabled, "configs": configs}, "available_credentials": available,
    })))
}

#[utoipa::path(post, path = "/workspaces/current/model-providers/{provider}/models/credentials", tag = "models", request_body = ModelBody, params(("provider" = String, Path)),
    responses((status = 201, body = Done), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn add_model(
    State(services): App,
    Caller(caller): Caller,
    Path(provider): Path<String>,
    Body(body): Body<ModelBody>,
) -> ApiResult<(StatusCode, Json<Done>)> {
    let target = body.target()?;
    providers::add_model_credential(&services, &caller, &provider, &target, &body.credentials, body.name).await?;
    Ok((StatusCode::CREATED, Json(Done::SUCCESS)))
}

#[utoipa::path(put, path = "/workspaces/current/model-providers/{provider}/models/credentials", tag = "models", request_body = ModelBody, params(("provider" = String, Path)),
    responses((status = 200, body = Done), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn update_model(
    State(services): App,
    Caller(caller): Caller,
    Path(provider): Path<String>,
    Body(body): Body<ModelBody>,
) -> ApiResult<Json<Done>> {
    let (target, id) = (body.target()?, needed(body.credential_id)?);
    providers::update_model_credential(&services, &caller, &provider, &target, id, &body.credentials).await?;
    Ok(Json(Done::SUCCESS))
}

#[utoipa::path(delete, path = "/workspaces/current/model-providers/{provider}/models/credentials", tag = "models", request_body = ModelBody, params(("provider" = String, Path)),
    responses((status = 204), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn delete_model_credentials(
    State(services): App,
    Caller(caller): Caller,
    Path(provider): Path<String>,
    Body(body): Body<ModelBody>,
) -> ApiResult<StatusCode> {
    let (target, id) = (body.target()?, needed(body.credential_id)?);
    providers::delete_model_credential(&services, &caller, &provider, &target, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[utoipa::path(post, path = "/workspaces/current/model-providers/{provider}/models/credentials/switch", tag = "models", request_body = ModelBody, params(("provider" = String, Path)),
    responses((status = 200, body = Done), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn switch_model_credentials(
    State(services): App,
    Caller(caller): Caller,
    Path(provider): Path<String>,
    Body(body): Body<ModelBody>,
) -> ApiResult<Json<Done>> {
    let (target, id) = (body.target()?, needed(body.credential_id)?);
    providers::activate_model_credential(&services, &caller, &provider, &target, id).await?;
    Ok(Json(Done::SUCCESS))
}

#[utoipa::path(post, path = "/workspaces/current/model-providers/{provider}/models/credentials/validate", tag = "models", request_body = ModelBody, params(("provider" = String, Path)),
    responses((status = 200, body = Object), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn validate_model(
    State(services): App,
    Caller(caller): Caller,
    Path(provider): Path<String>,
    Body(body): Body<ModelBody>,
) -> ApiResult<Json<Value>> {
    let (target, id) = (body.target()?, body.credential_id);
    Ok(verdict(providers::validate_model(&services, &caller, &provider, &target, id, &body.credentials).await?))
}

#[utoipa::path(patch, path = "/workspaces/current/model-providers/{provider}/models/enable", tag = "models", request_body = ModelBody, params(("provider" = String, Path)),
    responses((status = 200, body = Done), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn enable_model(
    State(services): App,
    Caller(caller): Caller,
    Path(provider): Path<String>,
    Body(body): Body<ModelBody>,
) -> ApiResult<Json<Done>> {
    providers::set_enabled(&services, &caller, &provider, &body.target()?, true).await?;
    Ok(Json(Done::SUCCESS))
}

#[utoipa::path(patch, path = "/workspaces/current/model-providers/{provider}/models/disable", tag = "models", request_body = ModelBody, params(("provider" = String, Path)),
    responses((status = 200, body = Done), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn disable_model(
    State(services): App,
    Caller(caller): Caller,
    Path(provider): Path<String>,
    Body(body): Body<ModelBody>,
) -> ApiResult<Json<Done>> {
    providers::set_enabled(&services, &caller, &provider, &body.target()?, false).await?;
    Ok(Json(Done::SUCCESS))
}

#[derive(Deserialize, IntoParams)]
struct RulesQuery {
    model: String,
}

#[utoipa::path(get, path = "/workspaces/current/model-providers/{provider}/models/parameter-rules", tag = "models", params(("provider" = String, Path), RulesQuery),
    responses((status = 200, body = Object), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn parameter_rules(
    State(services): App,
    Caller(caller): Caller,
    Path(provider): Path<String>,
    Query(query): Query<RulesQuery>,
) -> ApiResult<Json<Value>> {
    let rules = providers::parameter_rules(&services, &caller, &provider, &query.model).await?;
    Ok(Json(json!({"data": rules})))
}

#[derive(Deserialize, IntoParams)]
struct ChoiceQuery {
    /// Models that this app may not use are marked as well.
    #[param(value_type = Option<Uuid>)]
    app_id: Option<AppId>,
}

#[utoipa::path(get, path = "/workspaces/current/models/model-types/{model_type}", tag = "models", params(("model_type" = String, Path), ChoiceQuery),
    responses((status = 200, body = Object), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody)))]
async fn models_of_kind(
    State(services): App,
    Caller(caller): Caller,
    Path(text): Path<String>,
    Query(query): Query<ChoiceQuery>,
) -> ApiResult<Json<Value>> {
    Ok(Json(usable(&services, &caller, &text, query.app_id).await?))
}

/// The models of a kind that can be used, and those that could but for a list of the workspace.
pub(crate) async fn usable(
    services: &Services,
    caller: &Principal,
    text: &str,
    app: Option<AppId>,
) -> Result<Value, Error> {
    let all = providers::models_to_choose(services, caller, kind(text)?, app).await?;
    let data: Vec<_> = all
        .iter()
        .map(|(view, models)| {
            let spec = view.provider.spec();
            json!({"tenant_id": caller.tenant_id(), "provider": spec.id, "label": spec.label,
                "icon_small": icon_urls(caller, &spec.id), "icon_small_dark": null, "status": "active",
                "models": models.iter().map(model_json).collect::<Vec<_>>()})
        })
        .collect();
    Ok(json!({"data": data}))
}

#[derive(Deserialize, IntoParams)]
struct DefaultQuery {
    model_type: String,
}

#[utoipa::path(get, path = "/workspaces/current/default-model", tag = "models", params(DefaultQuery),
    responses((status = 200, body = Object), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody)))]
async fn default_model(
    State(services): App,
    Caller(caller): Caller,
    Query(query): Query<DefaultQuery>,
) -> ApiResult<Json<Value>> {
    let kind = kind(&query.model_type)?;
    let found = providers::default_model(&services, caller.tenant_id(), kind).await?;
    let data = match found {
        Some(model) => {
            let provider = providers::find(&services, &model.provider)?;
            let spec = provider.spec();
            json!({"model": model.name, "model_type": kind, "provider": {"provider": spec.id, "tenant_id": caller.tenant_id(),
                "label": spec.label, "icon_small": icon_urls(&caller, &spec.id), "supported_model_types": spec.supported_kinds}})
        }
        None => Value::Null,
    };
    Ok(Json(json!({"data": data})))
}

/// One choice.
#[derive(Deserialize, ToSchema)]
pub struct DefaultChoice {
    model_type: String,
    provider: Option<String>,
    model: Option<String>,
}

/// Choices for several kinds.
#[derive(Deserialize, ToSchema)]
pub struct DefaultChoices {
    model_settings: Vec<DefaultChoice>,
}

#[utoipa::path(post, path = "/workspaces/current/default-model", tag = "models", request_body = DefaultChoices,
    responses((status = 200, body = Done), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn set_default_models(
    State(services): App,
    Caller(caller): Caller,
    Body(body): Body<DefaultChoices>,
) -> ApiResult<Json<Done>> {
    let choices = body
        .model_settings
        .into_iter()
        .map(|choice| Ok((kind(&choice.model_type)?, choice.provider.zip(choice.model))));
    let choices: Result<Vec<_>, Error> = choices.collect();
    providers::set_default_models(&services, &caller, &choices?).await?;
    Ok(Json(Done::SUCCESS))
}

#[utoipa::path(get, path = "/workspaces/{tenant_id}/model-providers/{provider}/{icon_type}/{lang}", tag = "models",
    params(("tenant_id" = String, Path), ("provider" = String, Path), ("icon_type" = String, Path), ("lang" = String, Path)),
    responses((status = 200, content_type = "image/svg+xml"), (status = 404, body = ErrorBody)))]
async fn icon(State(services): App, Path(path): Path<(String, String, String, String)>) -> ApiResult<Response> {
    let provider = path.1;
    let icon = providers::find(&services, &provider)?.spec().icon.clone();
    // The picture is ours and static; the policy keeps a script in it from running all the same.
    let headers = [
        (header::CONTENT_TYPE, "image/svg+xml"),
        (header::CACHE_CONTROL, "public, max-age=86400"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'unsafe-inline'"),
    ];
    Ok((headers, icon).into_response())
}
