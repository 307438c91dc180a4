//! By which keys a model is asked, and which models are asked in its place.

use std::{collections::BTreeMap, time::Duration};

use ox_db::{model::LoadBalancingConfig, now, repo};
use ox_models::{Credentials, FormField, ModelKind, ModelRef, Provider};
use ox_types::{TenantId, boxed, new_uuid};
use serde_json::json;
use uuid::Uuid;

use super::{
    asking::route,
    credentials::{ModelTarget, Tried, checked, secret_fields, stored_kind, try_timed},
    find,
    state::{INHERIT, WorkspaceModels},
};
use crate::{Error, Principal, Result, Services, audit, principal::Permission, secrets::mask_fields};

/// Keys of one model.
const MOST_KEYS: usize = 100;
/// Models that are asked in the place of one.
const MOST_FALLBACKS: usize = 5;
const MAX_NAME: usize = 100;

/// A key of a balanced model, as it is sent.
#[derive(Clone, Debug, Default)]
pub struct KeyDraft {
    /// One that is kept.
    pub id: Option<Uuid>,
    pub name: String,
    /// A stored credential of the provider or the model.
    pub credential_id: Option<Uuid>,
    /// Values of its own; hidden ones stay.
    pub credentials: Credentials,
    pub enabled: bool,
}

/// A key of a balanced model, as it is shown.
#[derive(Clone, Debug)]
pub struct KeyView {
    pub id: Uuid,
    pub name: String,
    pub credential_id: Option<Uuid>,
    /// Masked.
    pub credentials: Credentials,
    pub enabled: bool,
    /// How long it is still left alone.
    pub rests: Option<Duration>,
}

/// Whether the calls of a model are spread, and over what.
#[derive(Clone, Debug, Default)]
pub struct Balancing {
    pub enabled: bool,
    pub keys: Vec<KeyView>,
}

/// The keys over which the calls of a model are spread.
#[boxed]
pub async fn balancing(
    services: &Services,
    principal: &Principal,
    provider: &str,
    target: &ModelTarget,
) -> Result<Balancing> {
    principal.require(Permission::ModelView)?;
    let found = find(services, provider)?;
    let tenant = principal.tenant_id();
    let workspace = services.models.workspace(tenant).await?;
    let id = &found.spec().id;
    let key = services.secrets.tenant_key(&services.db, tenant).await?;
    let secret = secret_fields(found.as_ref());
    let keys = workspace.keys(id, &target.model, target.kind);
    let mut shown = Vec::new();
    for row in rows(workspace.setup(), id, target) {
        let own = row.encrypted_config.as_ref().map(|sealed| key.open_fields(sealed, &secret)).transpose()?;
        let named = row.credential_id.filter(|_| row.name != INHERIT).unwrap_or(row.id).to_string();
        let asked = keys.iter().find(|key| key.name.starts_with(&named));
        shown.push(KeyView {
            id: row.id,
            name: row.name.clone(),
            credential_id: row.credential_id,
            credentials: own.map(|own| mask_fields(&own, &secret)).unwrap_or_default(),
            enabled: row.enabled,
            rests: asked.and_then(|key| services.models.resting(&route(tenant, id, &target.model, &key.name))),
        });
    }
    let enabled = workspace.setup().settings.iter().any(|row| {
        row.load_balancing_enabled && is_of(&row.provider_name, &row.model_name, &row.model_type, id, target)
    });
    Ok(Balancing { enabled, keys: shown })
}

/// How long stored keys of a provider are still left alone: the longest, where a key serves several models. `asked` are
/// keys with a model that was asked by them: of a model with one key, that it rests is known by the model alone.
pub(crate) fn resting_keys<'a>(
    services: &Services,
    tenant: TenantId,
    workspace: &WorkspaceModels,
    provider: &str,
    asked: impl Iterator<Item = (Uuid, &'a str)>,
) -> BTreeMap<Uuid, Duration> {
    let mut found: BTreeMap<Uuid, Duration> = BTreeMap::new();
    let mut note = |credential: Uuid, model: &str, key: &str| {
        if let Some(rest) = services.models.resting(&route(tenant, provider, model, key)) {
            let known = found.entry(credential).or_default();
            *known = rest.max(*known);
        }
    };
    for (model, keys) in workspace.spread(provider) {
        for key in keys {
            if let Some(credential) = key.credential {
                note(credential, model, &key.name);
            }
        }
    }
    for (credential, model) in asked {
        note(credential, model, "");
    }
    found
}

fn is_of(provider: &str, model: &str, kind: &str, id: &str, target: &ModelTarget) -> bool {
    provider == id && model == target.model && ModelKind::parse(kind) == Some(target.kind)
}

fn rows<'a>(
    setup: &'a repo::providers::Setup,
    id: &'a str,
    target: &'a ModelTarget,
) -> impl Iterator<Item = &'a LoadBalancingConfig> {
    setup.balancing.iter().filter(move |row| is_of(&row.provider_name, &row.model_name, &row.model_type, id, target))
}

/// Spreads the calls of a model over keys, or keeps the keys for later.
///
/// # Errors
/// What is wrong with a key, by name.
#[boxed]
pub async fn set_balancing(
    services: &Services,
    principal: &Principal,
    provider: &str,
    target: &ModelTarget,
    enabled: bool,
    drafts: &[KeyDraft],
) -> Result<()> {
    principal.require(Permission::ModelManage)?;
    let found = find(services, provider)?;
    let tenant = principal.tenant_id();
    if drafts.len() > MOST_KEYS {
        return Err(Error::invalid_field("configs", format!("A model has at most {MOST_KEYS} keys.")));
    }
    if enabled && drafts.iter().filter(|draft| draft.enabled).count() < 2 {
        let text = "Load balancing needs at least two keys that are switched on.";
        return Err(Error::invalid_field("configs", text));
    }
    let workspace = services.models.workspace(tenant).await?;
    let before: Vec<_> = rows(workspace.setup(), &found.spec().id, target).cloned().collect();
    let mut after = Vec::with_capacity(drafts.len());
    for draft in drafts {
        let kept = draft.id.and_then(|id| before.iter().find(|row| row.id == id));
        after.push(row_of(services, principal, found.as_ref(), target, draft, kept).await?);
    }
    let tx = services.db.begin().await?;
    let key = target.key(&found.spec().id);
    repo::model_routes::replace_keys(&tx, tenant, key, after).await?;
    repo::providers::set_balanced(&tx, tenant, key, enabled).await?;
    tx.commit().await?;
    services.models.forget(tenant).await;
    let told = json!({"provider": found.spec().id, "model": target.model, "enabled": enabled, "keys": drafts.len()});
    audit::record(services, principal, "model.balancing", "provider", tenant.0, None, Some(told)).await;
    Ok(())
}

async fn row_of(
    services: &Services,
    principal: &Principal,
    provider: &dyn Provider,
    target: &ModelTarget,
    draft: &KeyDraft,
    kept: Option<&LoadBalancingConfig>,
) -> Result<LoadBalancingConfig> {
    let tenant = principal.tenant_id();
    let (name, spec) = (draft.name.trim(), provider.spec());
    if name.is_empty() || name.chars().count() > MAX_NAME {
        return Err(Error::invalid_field("name", format!("A key needs a name of 1 to {MAX_NAME} characters.")));
    }
    let workspace = services.models.workspace(tenant).await?;
    let state = workspace.state(provider);
    let of_model =
        |id: Uuid| {
            workspace.setup().model_credentials.iter().any(|row| {
                row.id == id && is_of(&row.provider_name, &row.model_name, &row.model_type, &spec.id, target)
            })
        };
    let source = match draft.credential_id {
        None => None,
        Some(id) if state.credentials.iter().any(|row| row.id == id) => Some("provider"),
        Some(id) if of_model(id) => Some("custom_model"),
        Some(_) => return Err(Error::invalid_field("credential_id", format!("The credential of '{name}' is gone."))),
    };
    let is_own = name != INHERIT && source.is_none();
    let encrypted_config = if is_own {
        let key = services.secrets.tenant_key(&services.db, tenant).await?;
        let secret = secret_fields(provider);
        let stored = kept.and_then(|row| row.encrypted_config.as_ref());
        let stored = stored.map(|sealed| key.open_fields(sealed, &secret)).transpose()?;
        let values = checked(form_of(provider), &draft.credentials, stored.as_ref())?;
        Some(key.seal_fields(&values, &secret)?)
    } else {
        None
    };
    Ok(LoadBalancingConfig {
        id: kept.map_or_else(new_uuid, |row| row.id),
        tenant_id: tenant,
        provider_name: spec.id.clone(),
        model_name: target.model.clone(),
        model_type: stored_kind(target.kind).into(),
        name: name.to_owned(),
        encrypted_config,
        credential_id: draft.credential_id,
        credential_source_type: source.map(str::to_owned),
        enabled: draft.enabled,
        created_at: kept.map_or_else(now, |row| row.created_at),
        updated_at: now(),
    })
}

/// Tries a key of its own without keeping it; hidden values come from a kept one.
#[boxed]
pub async fn try_key(
    services: &Services,
    principal: &Principal,
    provider: &str,
    target: &ModelTarget,
    sent: &Credentials,
    kept: Option<Uuid>,
) -> Result<Result<Tried, String>> {
    principal.require(Permission::ModelManage)?;
    let found = find(services, provider)?;
    let tenant = principal.tenant_id();
    let workspace = services.models.workspace(tenant).await?;
    let stored = match kept {
        None => None,
        Some(id) => {
            let row = rows(workspace.setup(), &found.spec().id, target).find(|row| row.id == id);
            let row = row.ok_or_else(|| Error::not_found("Load balancing key not found."))?;
            let key = services.secrets.tenant_key(&services.db, tenant).await?;
            let secret = secret_fields(found.as_ref());
            row.encrypted_config.as_ref().map(|sealed| key.open_fields(sealed, &secret)).transpose()?
        }
    };
    match checked(form_of(found.as_ref()), sent, stored.as_ref()) {
        Ok(values) => Ok(try_timed(services, principal, found.as_ref(), &values, Some(target)).await),
        Err(error) => Ok(Err(error.message)),
    }
}

/// The form of a key of one model.
fn form_of(provider: &dyn Provider) -> &[FormField] {
    let spec = provider.spec();
    if spec.model_form.is_empty() { &spec.provider_form } else { &spec.model_form }
}

/// Who is asked when a model does not answer, in this order.
#[boxed]
pub async fn fallbacks(
    services: &Services,
    principal: &Principal,
    provider: &str,
    target: &ModelTarget,
) -> Result<Vec<ModelRef>> {
    principal.require(Permission::ModelView)?;
    let found = find(services, provider)?;
    let workspace = services.models.workspace(principal.tenant_id()).await?;
    Ok(workspace.fallbacks(&found.spec().id, &target.model, target.kind).to_vec())
}

/// Chooses who is asked when a model does not answer: (provider, model), in this order.
///
/// # Errors
/// When one cannot be asked, is the model itself, or is named twice.
#[boxed]
pub async fn set_fallbacks(
    services: &Services,
    principal: &Principal,
    provider: &str,
    target: &ModelTarget,
    chain: &[(String, String)],
) -> Result<()> {
    principal.require(Permission::ModelManage)?;
    let found = find(services, provider)?;
    let wrong = |text: String| Err(Error::invalid_field("fallbacks", text));
    if target.kind == ModelKind::TextEmbedding && !chain.is_empty() {
        return wrong("No model can stand in for an embedding model: their vectors cannot be compared.".into());
    }
    if chain.len() > MOST_FALLBACKS {
        return wrong(format!("At most {MOST_FALLBACKS} models are asked in the place of one."));
    }
    let usable = super::usable_models(services, principal, target.kind).await?;
    let mut checked: Vec<(String, String)> = Vec::with_capacity(chain.len());
    for (provider, model) in chain {
        let id = find(services, provider)?.spec().id.clone();
        let is_usable = usable
            .iter()
            .any(|(view, models)| view.provider.spec().id == id && models.iter().any(|one| one.spec.model == *model));
        let entry = (id, model.clone());
        if entry == (found.spec().id.clone(), target.model.clone()) {
            return wrong(format!("{model} cannot stand in for itself."));
        }
        if checked.contains(&entry) {
            return wrong(format!("{model} is named twice."));
        }
        if !is_usable {
            return wrong(format!("{model} cannot be asked: set up its provider first."));
        }
        checked.push(entry);
    }
    let tx = services.db.begin().await?;
    let tenant = principal.tenant_id();
    repo::model_routes::replace_fallbacks(&tx, tenant, target.key(&found.spec().id), &checked).await?;
    tx.commit().await?;
    services.models.forget(tenant).await;
    let told = json!({"provider": found.spec().id, "model": target.model, "fallbacks": checked});
    audit::record(services, principal, "model.fallbacks", "provider", tenant.0, None, Some(told)).await;
    Ok(())
}
