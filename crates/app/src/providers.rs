//! Model providers of a workspace: what is set up, and the runtime that asks the models.

mod allowed;
mod asking;
mod credentials;
mod kept;
pub mod names;
pub mod playground;
pub mod policies;
pub(crate) mod rates;
pub(crate) mod rests;
mod routes;
mod runtime;
mod state;

pub use allowed::Refusal;
pub use credentials::{
    CredentialRef, ModelTarget, Tried, activate, activate_model_credential, add_credential, add_model_credential,
    credentials, delete_credential, delete_model, delete_model_credential, model_credentials, set_default_models,
    set_enabled, update_credential, update_model_credential, validate, validate_model,
};
pub use kept::CacheState;
pub(crate) use routes::resting_keys;
pub use routes::{Balancing, KeyDraft, KeyView, balancing, fallbacks, set_balancing, set_fallbacks, try_key};
pub use runtime::ModelGateway;
pub use state::{ModelStatus, ModelView, ProviderState, WorkspaceModels};

use ox_types::boxed;
use std::sync::Arc;

use ox_models::{ModelKind, ModelRef, ModelScope, ParameterRule, Provider};
use ox_types::{AppId, TenantId};

use crate::{Error, Principal, Result, Services};

/// One provider with what the workspace has set up of it.
#[derive(Clone)]
pub struct ProviderView {
    pub provider: Arc<dyn Provider>,
    pub state: ProviderState,
}

/// The provider an id means, or 404.
pub fn find(services: &Services, id: &str) -> Result<Arc<dyn Provider>> {
    services
        .models
        .registry()
        .find(id)
        .cloned()
        .ok_or_else(|| Error::not_found(format!("There is no model provider '{id}'.")))
}

/// All providers, those that are set up first.
#[boxed]
pub async fn list(services: &Services, principal: &Principal, kind: Option<ModelKind>) -> Result<Vec<ProviderView>> {
    let workspace = services.models.workspace(principal.tenant_id()).await?;
    let mut all = Vec::new();
    for provider in services.models.registry().iter() {
        if kind.is_some_and(|kind| !provider.spec().supported_kinds.contains(&kind)) {
            continue;
        }
        let mut state = workspace.state(provider.as_ref());
        if state.needs_none && state.custom_models.is_empty() {
            // One that needs no key is there only as far as it has models.
            let listed = services.models.listed(principal.tenant_id(), &workspace, provider).await;
            state.is_empty = listed.is_some_and(|models| models.is_empty());
        }
        all.push(ProviderView { state, provider: Arc::clone(provider) });
    }
    all.sort_by_key(|view| !view.state.is_usable());
    Ok(all)
}

/// The models of one provider with their state.
#[boxed]
pub async fn models(services: &Services, principal: &Principal, provider: &str) -> Result<Vec<ModelView>> {
    let provider = find(services, provider)?;
    let workspace = services.models.workspace(principal.tenant_id()).await?;
    let listed = services.models.listed(principal.tenant_id(), &workspace, &provider).await;
    Ok(workspace.models(provider.as_ref(), listed.as_ref().map(|list| list.as_slice()), None))
}

/// The usable models of a kind, by provider: what a model picker shows.
#[boxed]
pub async fn usable_models(
    services: &Services,
    principal: &Principal,
    kind: ModelKind,
) -> Result<Vec<(ProviderView, Vec<ModelView>)>> {
    let workspace = services.models.workspace(principal.tenant_id()).await?;
    let mut out = Vec::new();
    for provider in services.models.registry().iter() {
        let state = workspace.state(provider.as_ref());
        let listed = services.models.listed(principal.tenant_id(), &workspace, provider).await;
        let models: Vec<_> = workspace
            .models(provider.as_ref(), listed.as_ref().map(|list| list.as_slice()), Some(kind))
            .into_iter()
            .filter(|model| model.status == ModelStatus::Active && !model.spec.deprecated)
            .collect();
        if !models.is_empty() {
            out.push((ProviderView { provider: Arc::clone(provider), state }, models));
        }
    }
    Ok(out)
}

/// The same with those marked that the lists of the workspace keep from the member, or from an app.
#[boxed]
pub async fn models_to_choose(
    services: &Services,
    principal: &Principal,
    kind: ModelKind,
    app: Option<AppId>,
) -> Result<Vec<(ProviderView, Vec<ModelView>)>> {
    let mut all = usable_models(services, principal, kind).await?;
    let workspace = services.models.workspace(principal.tenant_id()).await?;
    let Some(rules) = workspace.rules().filter(|rules| !rules.access.is_empty()) else { return Ok(all) };
    let user = principal.account_id().ok().map(|id| id.to_string());
    let scope = ModelScope { app_id: app, user, ..ModelScope::of(principal.tenant_id()) };
    let access = services.models.roles.rules(&services.db, &scope, &rules.access).await?;
    if access.is_empty() {
        return Ok(all);
    }
    for (view, models) in &mut all {
        let provider = view.provider.spec().id.as_str();
        for model in models {
            let name = model.spec.model.as_str();
            let mut keys: Vec<_> =
                workspace.keys(provider, name, kind).iter().map(|key| Arc::clone(&key.credentials)).collect();
            if keys.is_empty() {
                keys.extend(workspace.credentials(provider, name, kind));
            }
            model.refused = allowed::refusal(&access, provider, &format!("{provider}/{name}"), &keys);
        }
    }
    Ok(all)
}

/// Which parameters a model takes.
#[boxed]
pub async fn parameter_rules(
    services: &Services,
    principal: &Principal,
    provider: &str,
    model: &str,
) -> Result<Vec<ParameterRule>> {
    let provider = find(services, provider)?;
    let workspace = services.models.workspace(principal.tenant_id()).await?;
    let empty = ox_models::Credentials::new();
    let credentials = workspace.credentials(&provider.spec().id, model, ModelKind::Llm);
    let credentials = credentials.as_deref().unwrap_or(&empty);
    Ok(provider.describe(model, ModelKind::Llm, credentials).parameter_rules)
}

/// The model used where none is chosen: the workspace's default, else the first that can be used.
#[boxed]
pub async fn default_model(services: &Services, tenant: TenantId, kind: ModelKind) -> Result<Option<ModelRef>> {
    let workspace = services.models.workspace(tenant).await?;
    if let Some(chosen) = workspace.default_model(kind) {
        return Ok(Some(chosen));
    }
    let set_up = services.models.registry().iter().filter(|provider| workspace.may_be_asked(provider.as_ref()));
    for provider in set_up {
        let listed = services.models.listed(tenant, &workspace, provider).await;
        let listed = listed.as_ref().map(|list| list.as_slice());
        let mut models = workspace.models(provider.as_ref(), listed, Some(kind)).into_iter();
        if let Some(model) = models.find(|model| model.status == ModelStatus::Active && !model.spec.deprecated) {
            let id = provider.spec().id.clone();
            return Ok(Some(ModelRef { provider: id, mode: model.spec.mode(), name: model.spec.model }));
        }
    }
    Ok(None)
}

/// `OPENAI_API_BASE` and `OPENAI_API_KEY` become a credential of the workspace, once.
#[boxed]
pub async fn import_environment(services: &Services, tenant: TenantId) -> Result<()> {
    credentials::import_environment(services, tenant).await
}
