//! Credentials of providers and of custom models: stored encrypted, shown masked, tried before they are kept.

use std::time::{Duration, Instant};

use ox_auth::HIDDEN;
use ox_db::{
    model::{ProviderCredential, ProviderModelCredential},
    now, repo,
    repo::providers::ModelKey,
};
use ox_models::{Call, Credentials, FormField, ModelKind, Provider, Tally};
use ox_types::{Json, TenantId, boxed, new_uuid};
use serde_json::json;
use uuid::Uuid;

use super::find;
use crate::{Error, Principal, Result, Services, audit, principal::Permission, secrets::mask_fields};

const MAX_NAME: usize = 30;

/// A stored credential, masked, with its name.
#[derive(Clone, Debug)]
pub struct CredentialRef {
    pub id: Uuid,
    pub name: String,
    pub values: Credentials,
}

/// A model by name and kind.
#[derive(Clone, Debug)]
pub struct ModelTarget {
    pub model: String,
    pub kind: ModelKind,
}

impl ModelTarget {
    /// Reads the wire form.
    pub fn new(model: &str, kind: &str) -> Result<Self> {
        let kind = ModelKind::parse(kind)
            .ok_or_else(|| Error::invalid_field("model_type", format!("'{kind}' is not a model type.")))?;
        if model.trim().is_empty() {
            return Err(Error::invalid_field("model", "model: Field required"));
        }
        Ok(Self { model: model.trim().to_owned(), kind })
    }

    pub(super) fn key<'a>(&'a self, provider: &'a str) -> ModelKey<'a> {
        ModelKey { provider, name: &self.model, kind: stored_kind(self.kind) }
    }
}

/// Compat: tables keep the older names of the kinds.
pub(super) const fn stored_kind(kind: ModelKind) -> &'static str {
    match kind {
        ModelKind::Llm => "text-generation",
        ModelKind::TextEmbedding => "embeddings",
        ModelKind::Rerank => "reranking",
        ModelKind::Speech2Text => "speech2text",
        ModelKind::Tts => "tts",
        ModelKind::Moderation => "moderation",
    }
}

pub(super) fn secret_fields(provider: &dyn Provider) -> Vec<&str> {
    provider.spec().secret_fields().collect()
}

/// Values the form knows, hidden ones filled from the stored configuration, required ones present.
pub(super) fn checked(form: &[FormField], sent: &Credentials, stored: Option<&Credentials>) -> Result<Credentials> {
    let mut out = Credentials::new();
    for field in form {
        let name = &field.variable;
        let value = match sent.get(name) {
            Some(Json::String(text)) if text == HIDDEN => stored.and_then(|stored| stored.get(name)).cloned(),
            Some(Json::String(text)) if text.trim().is_empty() => None,
            Some(Json::Null) | None => None,
            Some(Json::String(text)) => Some(json!(text.trim())),
            Some(other) => Some(other.clone()),
        };
        let value = value.or_else(|| field.default.clone().map(Json::from));
        let visible = field.show_on.iter().all(|rule| {
            let other = sent.get(&rule.variable).and_then(Json::as_str);
            other.unwrap_or_default() == rule.value
        });
        match value {
            Some(value) if visible => _ = out.insert(name.clone(), value),
            None if field.required && visible => {
                return Err(Error::invalid_field(name, format!("Variable {name} is required")));
            }
            _ => {}
        }
    }
    Ok(out)
}

pub(super) async fn try_out(
    services: &Services,
    principal: &Principal,
    provider: &dyn Provider,
    values: &Credentials,
    model: Option<&ModelTarget>,
) -> Result<(), String> {
    let spec = model.map(|target| provider.describe(&target.model, target.kind, values));
    let egress = services.outbound.of(principal.tenant_id()).await.map_err(|error| error.message)?;
    let call = services.models.call(&egress, values, spec.as_ref());
    let target = model.map(|target| (target.model.as_str(), target.kind));
    provider.validate(call, target).await.map_err(|error| error.text)
}

/// How fast credentials that work were answered.
#[derive(Clone, Copy, Debug)]
pub struct Tried {
    pub latency: Duration,
    /// Of models that write: until their first words.
    pub first_token: Option<Duration>,
}

/// As [`try_out`], with the times.
pub(super) async fn try_timed(
    services: &Services,
    principal: &Principal,
    provider: &dyn Provider,
    values: &Credentials,
    model: Option<&ModelTarget>,
) -> Result<Tried, String> {
    let spec = model.map(|target| provider.describe(&target.model, target.kind, values));
    let egress = services.outbound.of(principal.tenant_id()).await.map_err(|error| error.message)?;
    let tally = Tally::default();
    let call = Call { tally: Some(&tally), ..services.models.call(&egress, values, spec.as_ref()) };
    let target = model.map(|target| (target.model.as_str(), target.kind));
    let started = Instant::now();
    provider.validate(call, target).await.map_err(|error| error.text)?;
    Ok(Tried { latency: started.elapsed(), first_token: tally.first_token() })
}

/// Tries credentials of a provider without keeping them; of a stored one, what is hidden is as stored, as is all when
/// nothing is sent.
#[boxed]
pub async fn validate(
    services: &Services,
    principal: &Principal,
    provider: &str,
    id: Option<Uuid>,
    sent: &Credentials,
) -> Result<Result<Tried, String>> {
    principal.require(Permission::ModelManage)?;
    let provider = find(services, provider)?;
    let stored = match id {
        Some(id) => Some(stored(services, principal, provider.as_ref(), id).await?.encrypted_config),
        None => None,
    };
    let form = &provider.spec().provider_form;
    try_sent(services, principal, provider.as_ref(), form, stored.as_ref(), sent, None).await
}

/// Tries credentials of a custom model without keeping them; of a stored one, what is hidden is as stored, as is all when
/// nothing is sent.
#[boxed]
pub async fn validate_model(
    services: &Services,
    principal: &Principal,
    provider: &str,
    target: &ModelTarget,
    id: Option<Uuid>,
    sent: &Credentials,
) -> Result<Result<Tried, String>> {
    principal.require(Permission::ModelManage)?;
    let provider = find(services, provider)?;
    let stored = match id {
        Some(id) => Some(stored_of_model(services, principal, provider.as_ref(), target, id).await?.encrypted_config),
        None => None,
    };
    let form = &provider.spec().model_form;
    try_sent(services, principal, provider.as_ref(), form, stored.as_ref(), sent, Some(target)).await
}

async fn try_sent(
    services: &Services,
    principal: &Principal,
    provider: &dyn Provider,
    form: &[FormField],
    stored: Option<&Json>,
    sent: &Credentials,
    target: Option<&ModelTarget>,
) -> Result<Result<Tried, String>> {
    let mut before = None;
    if let Some(sealed) = stored {
        let key = services.secrets.tenant_key(&services.db, principal.tenant_id()).await?;
        before = Some(key.open_fields(sealed, &secret_fields(provider))?);
    }
    let sent = before.as_ref().filter(|_| sent.is_empty()).unwrap_or(sent);
    match checked(form, sent, before.as_ref()) {
        Ok(values) => Ok(try_timed(services, principal, provider, &values, target).await),
        Err(error) => Ok(Err(error.message)),
    }
}

/// The credential with this id (or the active one), masked.
#[boxed]
pub async fn credentials(
    services: &Services,
    principal: &Principal,
    provider: &str,
    id: Option<Uuid>,
) -> Result<Option<CredentialRef>> {
    let provider = find(services, provider)?;
    let workspace = services.models.workspace(principal.tenant_id()).await?;
    let state = workspace.state(provider.as_ref());
    let Some(row) = state.credentials.iter().find(|row| Some(row.id) == id.or(state.active)) else { return Ok(None) };
    let key = services.secrets.tenant_key(&services.db, principal.tenant_id()).await?;
    let secret = secret_fields(provider.as_ref());
    let values = key.open_fields(&row.encrypted_config, &secret)?;
    Ok(Some(CredentialRef { id: row.id, name: row.credential_name.clone(), values: mask_fields(&values, &secret) }))
}

fn pick_name(given: Option<String>, taken: &[&str]) -> Result<String> {
    match given.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()) {
        Some(name) if name.chars().count() > MAX_NAME => {
            Err(Error::invalid_field("name", "Credential name must not exceed 30 characters."))
        }
        Some(name) if taken.contains(&name.as_str()) => {
            Err(Error::invalid_field("name", format!("Credential with name '{name}' already exists.")))
        }
        Some(name) => Ok(name),
        None => {
            Ok((1..).map(|n| format!("API KEY {n}")).find(|name| !taken.contains(&name.as_str())).unwrap_or_default())
        }
    }
}

/// Tries and keeps a credential; the first one of a provider becomes the active one.
#[boxed]
pub async fn add_credential(
    services: &Services,
    principal: &Principal,
    provider: &str,
    sent: &Credentials,
    name: Option<String>,
) -> Result<()> {
    principal.require(Permission::ModelManage)?;
    let provider = find(services, provider)?;
    let values = checked(&provider.spec().provider_form, sent, None)?;
    try_out(services, principal, provider.as_ref(), &values, None).await.map_err(Error::invalid)?;
    keep_credential(services, principal.tenant_id(), provider.as_ref(), &values, name).await?;
    let after = json!({"provider": provider.spec().id});
    audit::record(services, principal, "model.credential.add", "provider", principal.tenant_id().0, None, Some(after))
        .await;
    Ok(())
}

async fn keep_credential(
    services: &Services,
    tenant: TenantId,
    provider: &dyn Provider,
    values: &Credentials,
    name: Option<String>,
) -> Result<()> {
    let workspace = services.models.workspace(tenant).await?;
    let state = workspace.state(provider);
    let taken: Vec<&str> = state.credentials.iter().map(|row| row.credential_name.as_str()).collect();
    let key = services.secrets.tenant_key(&services.db, tenant).await?;
    let id = &provider.spec().id;
    let credential = ProviderCredential {
        id: new_uuid(),
        tenant_id: tenant,
        provider_name: id.clone(),
        credential_name: pick_name(name, &taken)?,
        encrypted_config: key.seal_fields(values, &secret_fields(provider))?,
        created_at: now(),
        updated_at: now(),
    };
    let tx = services.db.begin().await?;
    repo::providers::insert_credential(&tx, &credential).await?;
    if state.active.is_none() {
        repo::providers::activate(&tx, tenant, id, Some(credential.id)).await?;
    }
    tx.commit().await?;
    services.models.forget(tenant).await;
    Ok(())
}

async fn stored(
    services: &Services,
    principal: &Principal,
    provider: &dyn Provider,
    id: Uuid,
) -> Result<ProviderCredential> {
    let workspace = services.models.workspace(principal.tenant_id()).await?;
    let found = workspace.state(provider).credentials.into_iter().find(|row| row.id == id);
    found.ok_or_else(|| Error::not_found("Credential not found."))
}

async fn stored_of_model(
    services: &Services,
    principal: &Principal,
    provider: &dyn Provider,
    target: &ModelTarget,
    id: Uuid,
) -> Result<ProviderModelCredential> {
    let workspace = services.models.workspace(principal.tenant_id()).await?;
    let rows = &workspace.setup().model_credentials;
    let found = rows.iter().find(|row| {
        row.id == id
            && row.provider_name == provider.spec().id
            && row.model_name == target.model
            && ModelKind::parse(&row.model_type) == Some(target.kind)
    });
    found.cloned().ok_or_else(|| Error::not_found("Credential not found."))
}

/// Changes a credential; hidden values stay as they are.
#[boxed]
pub async fn update_credential(
    services: &Services,
    principal: &Principal,
    provider: &str,
    id: Uuid,
    sent: &Credentials,
    name: Option<String>,
) -> Result<()> {
    principal.require(Permission::ModelManage)?;
    let provider = find(services, provider)?;
    let mut row = stored(services, principal, provider.as_ref(), id).await?;
    let key = services.secrets.tenant_key(&services.db, principal.tenant_id()).await?;
    let secret = secret_fields(provider.as_ref());
    let before = key.open_fields(&row.encrypted_config, &secret)?;
    let values = checked(&provider.spec().provider_form, sent, Some(&before))?;
    try_out(services, principal, provider.as_ref(), &values, None).await.map_err(Error::invalid)?;
    row.encrypted_config = key.seal_fields(&values, &secret)?;
    if let Some(name) = name.filter(|name| *name != row.credential_name) {
        row.credential_name = pick_name(Some(name), &[])?;
    }
    row.updated_at = now();
    let tx = services.db.begin().await?;
    repo::providers::update_credential(&tx, &row).await?;
    tx.commit().await?;
    services.models.forget(principal.tenant_id()).await;
    let after = json!({"provider": provider.spec().id, "credential": row.credential_name});
    audit::record(services, principal, "model.credential.update", "credential", id, None, Some(after)).await;
    Ok(())
}

/// Deletes a credential; if it was the active one, the provider is no longer set up.
#[boxed]
pub async fn delete_credential(services: &Services, principal: &Principal, provider: &str, id: Uuid) -> Result<()> {
    principal.require(Permission::ModelManage)?;
    let provider = find(services, provider)?;
    let row = stored(services, principal, provider.as_ref(), id).await?;
    let tenant = principal.tenant_id();
    let was_active = services.models.workspace(tenant).await?.state(provider.as_ref()).active == Some(id);
    let tx = services.db.begin().await?;
    repo::providers::delete_credential(&tx, tenant, id).await?;
    repo::model_routes::forget_credential(&tx, tenant, id).await?;
    if was_active {
        repo::providers::activate(&tx, tenant, &row.provider_name, None).await?;
    }
    tx.commit().await?;
    services.models.forget(tenant).await;
    let before = json!({"provider": row.provider_name, "credential": row.credential_name});
    audit::record(services, principal, "model.credential.delete", "credential", id, Some(before), None).await;
    Ok(())
}

/// Makes a credential the active one.
#[boxed]
pub async fn activate(services: &Services, principal: &Principal, provider: &str, id: Uuid) -> Result<()> {
    principal.require(Permission::ModelManage)?;
    let provider = find(services, provider)?;
    stored(services, principal, provider.as_ref(), id).await?;
    let tx = services.db.begin().await?;
    repo::providers::activate(&tx, principal.tenant_id(), &provider.spec().id, Some(id)).await?;
    tx.commit().await?;
    services.models.forget(principal.tenant_id()).await;
    Ok(())
}

/// The stored credentials of a custom model, masked, and which one is used.
#[boxed]
pub async fn model_credentials(
    services: &Services,
    principal: &Principal,
    provider: &str,
    target: &ModelTarget,
) -> Result<(Option<Uuid>, Vec<CredentialRef>)> {
    let provider = find(services, provider)?;
    let workspace = services.models.workspace(principal.tenant_id()).await?;
    let key = services.secrets.tenant_key(&services.db, principal.tenant_id()).await?;
    let secret = secret_fields(provider.as_ref());
    let spec_id = &provider.spec().id;
    let is_it = |name: &str, model: &str, kind: &str| {
        name == spec_id && model == target.model && ModelKind::parse(kind) == Some(target.kind)
    };
    let mut out = Vec::new();
    for row in &workspace.setup().model_credentials {
        if is_it(&row.provider_name, &row.model_name, &row.model_type) {
            let values = key.open_fields(&row.encrypted_config, &secret)?;
            out.push(CredentialRef {
                id: row.id,
                name: row.credential_name.clone(),
                values: mask_fields(&values, &secret),
            });
        }
    }
    let active =
        workspace.setup().models.iter().find(|row| is_it(&row.provider_name, &row.model_name, &row.model_type));
    Ok((active.and_then(|row| row.credential_id), out))
}

/// Tries and keeps a custom model with its credentials.
#[boxed]
pub async fn add_model_credential(
    services: &Services,
    principal: &Principal,
    provider: &str,
    target: &ModelTarget,
    sent: &Credentials,
    name: Option<String>,
) -> Result<()> {
    principal.require(Permission::ModelManage)?;
    let found = find(services, provider)?;
    let values = checked(&found.spec().model_form, sent, None)?;
    try_out(services, principal, found.as_ref(), &values, Some(target)).await.map_err(Error::invalid)?;
    let (_, others) = model_credentials(services, principal, provider, target).await?;
    let taken: Vec<&str> = others.iter().map(|other| other.name.as_str()).collect();
    let tenant = principal.tenant_id();
    let key = services.secrets.tenant_key(&services.db, tenant).await?;
    let id = &found.spec().id;
    let credential = ProviderModelCredential {
        id: new_uuid(),
        tenant_id: tenant,
        provider_name: id.clone(),
        model_name: target.model.clone(),
        model_type: stored_kind(target.kind).into(),
        credential_name: pick_name(name, &taken)?,
        encrypted_config: key.seal_fields(&values, &secret_fields(found.as_ref()))?,
        created_at: now(),
        updated_at: now(),
    };
    let tx = services.db.begin().await?;
    repo::providers::insert_model_credential(&tx, &credential).await?;
    repo::providers::put_model(&tx, tenant, target.key(id), Some(credential.id)).await?;
    tx.commit().await?;
    services.models.forget(tenant).await;
    let after = json!({"provider": id, "model": target.model});
    audit::record(services, principal, "model.add", "credential", credential.id, None, Some(after)).await;
    Ok(())
}

/// Changes the credentials of a custom model; hidden values stay.
#[boxed]
pub async fn update_model_credential(
    services: &Services,
    principal: &Principal,
    provider: &str,
    target: &ModelTarget,
    id: Uuid,
    sent: &Credentials,
) -> Result<()> {
    principal.require(Permission::ModelManage)?;
    let found = find(services, provider)?;
    let mut row = stored_of_model(services, principal, found.as_ref(), target, id).await?;
    let key = services.secrets.tenant_key(&services.db, principal.tenant_id()).await?;
    let secret = secret_fields(found.as_ref());
    let before = key.open_fields(&row.encrypted_config, &secret)?;
    let values = checked(&found.spec().model_form, sent, Some(&before))?;
    try_out(services, principal, found.as_ref(), &values, Some(target)).await.map_err(Error::invalid)?;
    row.encrypted_config = key.seal_fields(&values, &secret)?;
    row.updated_at = now();
    let tx = services.db.begin().await?;
    repo::providers::update_model_credential(&tx, &row).await?;
    tx.commit().await?;
    services.models.forget(principal.tenant_id()).await;
    Ok(())
}

/// Deletes one credential of a custom model; without another the model stays, but cannot be used.
#[boxed]
pub async fn delete_model_credential(
    services: &Services,
    principal: &Principal,
    provider: &str,
    target: &ModelTarget,
    id: Uuid,
) -> Result<()> {
    principal.require(Permission::ModelManage)?;
    let found = find(services, provider)?;
    let (active, others) = model_credentials(services, principal, provider, target).await?;
    if !others.iter().any(|other| other.id == id) {
        return Err(Error::not_found("Credential not found."));
    }
    let tx = services.db.begin().await?;
    repo::providers::delete_model_credential(&tx, principal.tenant_id(), id).await?;
    repo::model_routes::forget_credential(&tx, principal.tenant_id(), id).await?;
    if active == Some(id) {
        let next = others.iter().find(|other| other.id != id).map(|other| other.id);
        repo::providers::put_model(&tx, principal.tenant_id(), target.key(&found.spec().id), next).await?;
    }
    tx.commit().await?;
    services.models.forget(principal.tenant_id()).await;
    Ok(())
}

/// Uses another stored credential for a custom model.
#[boxed]
pub async fn activate_model_credential(
    services: &Services,
    principal: &Principal,
    provider: &str,
    target: &ModelTarget,
    id: Uuid,
) -> Result<()> {
    principal.require(Permission::ModelManage)?;
    let found = find(services, provider)?;
    let (_, all) = model_credentials(services, principal, provider, target).await?;
    if !all.iter().any(|other| other.id == id) {
        return Err(Error::not_found("Credential not found."));
    }
    let tx = services.db.begin().await?;
    repo::providers::put_model(&tx, principal.tenant_id(), target.key(&found.spec().id), Some(id)).await?;
    tx.commit().await?;
    services.models.forget(principal.tenant_id()).await;
    Ok(())
}

/// Removes a custom model with its credentials.
#[boxed]
pub async fn delete_model(
    services: &Services,
    principal: &Principal,
    provider: &str,
    target: &ModelTarget,
) -> Result<()> {
    principal.require(Permission::ModelManage)?;
    let found = find(services, provider)?;
    let tx = services.db.begin().await?;
    repo::providers::delete_model(&tx, principal.tenant_id(), target.key(&found.spec().id)).await?;
    repo::model_routes::replace_keys(&tx, principal.tenant_id(), target.key(&found.spec().id), Vec::new()).await?;
    repo::model_routes::replace_fallbacks(&tx, principal.tenant_id(), target.key(&found.spec().id), &[]).await?;
    tx.commit().await?;
    services.models.forget(principal.tenant_id()).await;
    let before = json!({"provider": found.spec().id, "model": target.model});
    audit::record(services, principal, "model.delete", "provider", principal.tenant_id().0, Some(before), None).await;
    Ok(())
}

/// Switches a model on or off.
#[boxed]
pub async fn set_enabled(
    services: &Services,
    principal: &Principal,
    provider: &str,
    target: &ModelTarget,
    on: bool,
) -> Result<()> {
    principal.require(Permission::ModelManage)?;
    let found = find(services, provider)?;
    let tx = services.db.begin().await?;
    repo::providers::set_enabled(&tx, principal.tenant_id(), target.key(&found.spec().id), on).await?;
    tx.commit().await?;
    services.models.forget(principal.tenant_id()).await;
    Ok(())
}

/// Sets the default models of several kinds; entries without a provider are left as they are.
#[boxed]
pub async fn set_default_models(
    services: &Services,
    principal: &Principal,
    choices: &[(ModelKind, Option<(String, String)>)],
) -> Result<()> {
    principal.require(Permission::ModelManage)?;
    let tx = services.db.begin().await?;
    for (kind, choice) in choices {
        let Some((provider, model)) = choice else { continue };
        let found = find(services, provider)?;
        let target = ModelTarget { model: model.clone(), kind: *kind };
        repo::providers::set_default(&tx, principal.tenant_id(), target.key(&found.spec().id)).await?;
    }
    tx.commit().await?;
    services.models.forget(principal.tenant_id()).await;
    Ok(())
}

/// `OPENAI_API_BASE` and `OPENAI_API_KEY` of the environment, kept as a credential if there is none yet.
pub(super) async fn import_environment(services: &Services, tenant: TenantId) -> Result<()> {
    let read = |name: &str| std::env::var(name).ok().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    let (base, key) = (read("OPENAI_API_BASE"), read("OPENAI_API_KEY"));
    if base.is_none() && key.is_none() {
        return Ok(());
    }
    let provider = find(services, "openai")?;
    if !services.models.workspace(tenant).await?.state(provider.as_ref()).credentials.is_empty() {
        return Ok(());
    }
    let mut values = Credentials::new();
    values.extend(base.map(|base| ("openai_api_base".to_owned(), json!(base))));
    // A gateway of one's own may need no key.
    values.insert("openai_api_key".into(), json!(key.unwrap_or_else(|| "none".into())));
    keep_credential(services, tenant, provider.as_ref(), &values, Some("Environment".into())).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(json: &Json) -> Credentials {
        json.as_object().cloned().expect("object")
    }

    #[test]
    fn names_are_given_and_stay_unique() {
        assert_eq!(pick_name(None, &["API KEY 1"]).expect("free"), "API KEY 2");
        assert!(pick_name(Some("x".repeat(31)), &[]).is_err());
        assert!(pick_name(Some("a".into()), &["a"]).is_err());
    }

    #[test]
    fn a_hidden_value_keeps_the_stored_one_and_a_missing_one_is_named() {
        let provider = ox_models::Registry::native().find("openai").cloned().expect("built in");
        let form = &provider.spec().provider_form;
        let stored = values(&json!({"openai_api_key": "sk-old"}));
        let kept = checked(form, &values(&json!({"openai_api_key": HIDDEN})), Some(&stored)).expect("kept");
        assert_eq!(kept["openai_api_key"], "sk-old");
        let error = checked(form, &values(&json!({})), None).expect_err("required");
        assert_eq!(error.field.as_deref(), Some("openai_api_key"));
    }
}
