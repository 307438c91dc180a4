//! Providers of events, and the subscriptions that workspaces have to them.
//!
//! The host declares providers and talks to their plugins; subscriptions are kept here, their credentials and properties
//! encrypted.

use ox_db::{model::KeptSubscription, now, repo};
use ox_types::{Json, TenantId, boxed};
use serde_json::{Map, json};
use uuid::Uuid;

use super::{
    host::{HostError, Subscribed, TriggerHost, TriggerIcon, TriggerProvider, TriggerSubscription},
    plugin::within,
};
use crate::{Error, Principal, Result, Services, audit, principal::Permission, secrets::mask_fields};

/// Subscriptions of a workspace to one provider at most.
const MAX_SUBSCRIPTIONS: usize = 10;
/// Characters of a name.
const MAX_NAME: usize = 255;
/// Bytes of credentials, properties and parameters together.
const MAX_SETTINGS: usize = 65_536;
/// A field that is sent back as it was shown.
const HIDDEN: &str = "[__HIDDEN__]";

/// What a subscription is changed to; an absent field stays.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Change {
    pub name: Option<String>,
    pub parameters: Option<Map<String, Json>>,
    pub properties: Option<Map<String, Json>>,
    pub credentials: Option<Map<String, Json>>,
}

impl Change {
    /// Whether it changes more than the name.
    #[must_use]
    pub const fn is_rebuild(&self) -> bool {
        self.parameters.is_some() || self.properties.is_some() || self.credentials.is_some()
    }

    fn size(&self) -> usize {
        let maps = [&self.parameters, &self.properties, &self.credentials];
        maps.into_iter().flatten().map(|map| serde_json::to_string(map).map_or(0, |text| text.len())).sum()
    }

    /// # Errors
    /// 400 for a name or settings that are too long.
    pub(super) fn check(&self) -> Result<()> {
        if self.size() > MAX_SETTINGS {
            return Err(Error::invalid(format!("The settings of a subscription can have {MAX_SETTINGS} bytes.")));
        }
        match &self.name {
            Some(name) if name.chars().count() > MAX_NAME => {
                Err(Error::invalid_field("name", format!("A name can have {MAX_NAME} characters.")))
            }
            _ => Ok(()),
        }
    }
}

/// A subscription as it is shown.
#[derive(Clone, Debug, PartialEq)]
pub struct Shown {
    pub name: String,
    /// Secret values are masked.
    pub subscription: TriggerSubscription,
    /// Nodes of drafts that name it.
    pub in_use: u64,
}

fn missing(provider: &str) -> Error {
    Error::not_found(format!("The trigger provider {provider} comes with a plugin that is not installed."))
}

/// The providers of a workspace; none without a plugin host.
///
/// # Errors
/// When the host fails.
#[boxed]
pub async fn providers(services: &Services, principal: &Principal) -> Result<Vec<TriggerProvider>> {
    let Some(host) = services.triggers.host() else { return Ok(Vec::new()) };
    Ok(within(host.providers(principal.tenant_id())).await?)
}

/// One provider.
///
/// # Errors
/// 404 where its plugin is not installed.
#[boxed]
pub async fn provider(services: &Services, principal: &Principal, id: &str) -> Result<TriggerProvider> {
    let found = providers(services, principal).await?.into_iter().find(|provider| provider.id == id);
    found.ok_or_else(|| missing(id))
}

/// The picture of a provider.
///
/// # Errors
/// 404 where there is none.
#[boxed]
pub async fn icon(services: &Services, principal: &Principal, id: &str) -> Result<TriggerIcon> {
    let host = host_of(services).ok_or_else(|| missing(id))?;
    within(host.icon(principal.tenant_id(), id)).await?.ok_or_else(|| missing(id))
}

pub(super) fn host_of(services: &Services) -> Option<&dyn TriggerHost> {
    services.triggers.host().map(|host| &**host)
}

/// The subscription with this address, of any workspace.
///
/// # Errors
/// When the database fails.
pub(super) async fn at(services: &Services, endpoint: Uuid) -> Result<Option<TriggerSubscription>> {
    match repo::trigger_subscriptions::at(&services.db, endpoint).await? {
        Some(kept) => Ok(Some(opened(services, &kept).await?)),
        None => Ok(None),
    }
}

async fn opened(services: &Services, kept: &KeptSubscription) -> Result<TriggerSubscription> {
    let key = services.secrets.tenant_key(&services.db, kept.tenant_id).await?;
    let text = key.open(&kept.encrypted_secrets)?;
    let mut secrets: Map<String, Json> = serde_json::from_str(&text).map_err(Error::internal)?;
    let mut part = |name: &str| match secrets.remove(name) {
        Some(Json::Object(values)) => values,
        _ => Map::new(),
    };
    Ok(TriggerSubscription {
        id: kept.id.to_string(),
        tenant_id: kept.tenant_id,
        provider: kept.provider_id.clone(),
        endpoint: kept.endpoint_id,
        credential_type: kept.credential_type.clone(),
        credentials: part("credentials"),
        properties: part("properties"),
        parameters: kept.parameters.as_object().cloned().unwrap_or_default(),
    })
}

async fn sealed(services: &Services, subscription: &TriggerSubscription) -> Result<String> {
    let key = services.secrets.tenant_key(&services.db, subscription.tenant_id).await?;
    key.seal(&json!({"credentials": subscription.credentials, "properties": subscription.properties}).to_string())
}

/// Names of the secret fields of a form: its rows are a list, or a map by name.
fn secret_fields(form: Option<&Json>) -> Vec<&str> {
    let is_secret = |field: &&Json| super::text(field, "type") == "secret-input";
    match form {
        Some(Json::Array(rows)) => rows.iter().filter(is_secret).map(|row| super::text(row, "name")).collect(),
        Some(Json::Object(rows)) => {
            rows.iter().filter(|(_, row)| is_secret(row)).map(|(name, _)| name.as_str()).collect()
        }
        _ => Vec::new(),
    }
}

/// The subscription with its secret values masked. Every text of its credentials is one.
pub(super) fn masked(mut subscription: TriggerSubscription, provider: &TriggerProvider) -> TriggerSubscription {
    let names: Vec<String> = subscription.credentials.keys().cloned().collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    subscription.credentials = mask_fields(&subscription.credentials, &names);
    let secret = secret_fields(provider.declaration.get("subscription_schema"));
    subscription.properties = mask_fields(&subscription.properties, &secret);
    subscription
}

/// The values that were sent, with those that came back masked as they were.
pub(super) fn merged(sent: Map<String, Json>, known: &Map<String, Json>) -> Map<String, Json> {
    let as_it_was = |name: &str, value: &Json| {
        let known = known.get(name)?;
        let text = value.as_str()?;
        let is_same = text == HIDDEN || known.as_str().is_some_and(|known| ox_auth::mask(known) == text);
        is_same.then(|| known.clone())
    };
    sent.into_iter()
        .map(|(name, value)| {
            let value = as_it_was(&name, &value).unwrap_or(value);
            (name, value)
        })
        .collect()
}

/// The subscriptions of the workspace to a provider, secret values masked.
///
/// # Errors
/// 404 where its plugin is not installed.
#[boxed]
pub async fn list(services: &Services, principal: &Principal, id: &str) -> Result<Vec<Shown>> {
    principal.require(Permission::AppEdit)?;
    let declared = provider(services, principal, id).await?;
    let tenant = principal.tenant_id();
    let mut all = Vec::new();
    for kept in repo::trigger_subscriptions::list(&services.db, tenant, id).await? {
        let in_use = repo::trigger_subscriptions::in_use(&services.db, tenant, kept.id).await?;
        let subscription = masked(opened(services, &kept).await?, &declared);
        all.push(Shown { name: kept.name, subscription, in_use });
    }
    Ok(all)
}

/// Subscribes, at the provider unless it was set up by hand, and keeps the subscription.
///
/// # Errors
/// 400 for a name that is taken or missing, for one subscription too many, and for what the plugin refuses.
pub(super) async fn add(
    services: &Services,
    principal: &Principal,
    name: &str,
    mut subscription: TriggerSubscription,
    address: &str,
) -> Result<()> {
    let host = host_of(services).ok_or_else(|| missing(&subscription.provider))?;
    let name = name.trim();
    if name.is_empty() {
        return Err(Error::invalid_field("name", "A subscription needs a name."));
    }
    let tenant = subscription.tenant_id;
    let known = repo::trigger_subscriptions::list(&services.db, tenant, &subscription.provider).await?;
    if known.len() >= MAX_SUBSCRIPTIONS {
        let most = format!("A provider can have {MAX_SUBSCRIPTIONS} subscriptions; delete one that is not used.");
        return Err(Error::invalid(most));
    }
    if known.iter().any(|kept| kept.name == name) {
        return Err(taken());
    }
    let done = subscribed(host, &subscription, address).await?;
    subscription.properties.extend(done.properties);
    let id: Uuid = subscription.id.parse().map_err(Error::internal)?;
    let time = now();
    let kept = KeptSubscription {
        id,
        tenant_id: tenant,
        user_id: principal.account_id()?,
        provider_id: subscription.provider.clone(),
        name: name.to_owned(),
        endpoint_id: subscription.endpoint,
        credential_type: subscription.credential_type.clone(),
        parameters: Json::Object(subscription.parameters.clone()),
        encrypted_secrets: sealed(services, &subscription).await?,
        expires_at: done.expires_at.unwrap_or(-1),
        created_at: time,
        updated_at: time,
    };
    let written = async {
        let tx = services.db.begin().await?;
        repo::trigger_subscriptions::insert(&tx, kept).await?;
        tx.commit().await
    };
    if let Err(error) = written.await {
        // Events would come to an address that nobody has.
        end(host, &subscription).await;
        return Err(conflict(error));
    }
    let after = json!({"name": name, "provider": subscription.provider});
    audit::record(services, principal, "trigger_subscription.create", "trigger_subscription", id, None, Some(after))
        .await;
    Ok(())
}

async fn subscribed(
    host: &dyn TriggerHost,
    subscription: &TriggerSubscription,
    address: &str,
) -> Result<Subscribed, HostError> {
    // Set up by hand: whoever did it told the provider the address.
    if subscription.credential_type == "unauthorized" {
        return Ok(Subscribed::default());
    }
    within(host.subscribe(subscription, address)).await
}

/// Ends a subscription at the provider, as far as it can be reached.
async fn end(host: &dyn TriggerHost, subscription: &TriggerSubscription) {
    if subscription.credential_type == "unauthorized" {
        return;
    }
    if let Err(error) = within(host.unsubscribe(subscription)).await {
        tracing::warn!(%error, provider = subscription.provider, "a subscription cannot be ended at its provider");
    }
}

fn taken() -> Error {
    Error::invalid_field("name", "There is a subscription with this name already.")
}

fn conflict(error: ox_db::Error) -> Error {
    match error {
        ox_db::Error::Conflict(_) => taken(),
        other => other.into(),
    }
}

async fn find(services: &Services, tenant: TenantId, id: &str) -> Result<KeptSubscription> {
    let unknown = || Error::not_found(format!("There is no subscription {id}."));
    let uuid: Uuid = id.parse().map_err(|_| unknown())?;
    repo::trigger_subscriptions::find(&services.db, tenant, uuid).await?.ok_or_else(unknown)
}

/// Renames a subscription, or makes it anew at the provider with other settings; its address stays.
///
/// # Errors
/// 404 for an unknown one, 400 for a name that is taken and for what the plugin refuses.
#[boxed]
pub async fn update(services: &Services, principal: &Principal, id: &str, change: Change, base: &str) -> Result<()> {
    principal.require(Permission::AppEdit)?;
    change.check()?;
    let mut kept = find(services, principal.tenant_id(), id).await?;
    let before = json!({"name": kept.name, "provider": kept.provider_id});
    if let Some(name) = change.name.as_deref().map(str::trim).filter(|name| !name.is_empty()) {
        name.clone_into(&mut kept.name);
    }
    if change.is_rebuild() {
        let host = host_of(services).ok_or_else(|| missing(&kept.provider_id))?;
        let old = opened(services, &kept).await?;
        let mut new = old.clone();
        if let Some(parameters) = change.parameters {
            new.parameters = parameters;
        }
        if let Some(properties) = change.properties {
            new.properties = merged(properties, &old.properties);
        }
        if let Some(credentials) = change.credentials {
            new.credentials = merged(credentials, &old.credentials);
            within(host.validate(kept.tenant_id, &kept.provider_id, &new.credentials)).await?;
        }
        end(host, &old).await;
        let done = subscribed(host, &new, &address(base, new.endpoint)).await?;
        new.properties.extend(done.properties);
        kept.expires_at = done.expires_at.unwrap_or(-1);
        kept.parameters = Json::Object(new.parameters.clone());
        kept.encrypted_secrets = sealed(services, &new).await?;
    }
    kept.updated_at = now();
    let (uuid, after) = (kept.id, json!({"name": kept.name, "provider": kept.provider_id}));
    let tx = services.db.begin().await?;
    repo::trigger_subscriptions::update(&tx, kept).await.map_err(conflict)?;
    tx.commit().await?;
    let (action, kind) = ("trigger_subscription.update", "trigger_subscription");
    audit::record(services, principal, action, kind, uuid, Some(before), Some(after)).await;
    Ok(())
}

/// Tells whether the provider takes these credentials for a subscription.
///
/// # Errors
/// 404 for an unknown one, 400 for what the plugin refuses.
#[boxed]
pub async fn verify(
    services: &Services,
    principal: &Principal,
    provider: &str,
    id: &str,
    credentials: Map<String, Json>,
) -> Result<()> {
    principal.require(Permission::AppEdit)?;
    let host = host_of(services).ok_or_else(|| missing(provider))?;
    let kept = find(services, principal.tenant_id(), id).await?;
    if kept.provider_id != provider {
        return Err(Error::not_found(format!("The provider {provider} has no subscription {id}.")));
    }
    let known = opened(services, &kept).await?.credentials;
    Ok(within(host.validate(kept.tenant_id, provider, &merged(credentials, &known))).await?)
}

/// Ends a subscription. Triggers that name it have no events any more.
///
/// # Errors
/// 404 for an unknown one.
#[boxed]
pub async fn delete(services: &Services, principal: &Principal, id: &str) -> Result<()> {
    principal.require(Permission::WorkspaceManage)?;
    let kept = find(services, principal.tenant_id(), id).await?;
    if let Some(host) = host_of(services) {
        end(host, &opened(services, &kept).await?).await;
    }
    let before = json!({"name": kept.name, "provider": kept.provider_id});
    let tx = services.db.begin().await?;
    repo::trigger_subscriptions::delete(&tx, kept.tenant_id, kept.id).await?;
    tx.commit().await?;
    let (action, kind) = ("trigger_subscription.delete", "trigger_subscription");
    audit::record(services, principal, action, kind, kept.id, Some(before), None).await;
    Ok(())
}

/// Where a subscription is reached from outside.
#[must_use]
pub fn address(base: &str, endpoint: Uuid) -> String {
    format!("{}/triggers/plugin/{endpoint}", base.trim_end_matches('/'))
}
