//! Drafts of subscriptions: made, filled in and tried for half an hour, then built, or forgotten.
//!
//! A draft has the address that its subscription will have, so that a person can tell it to the provider beforehand; what
//! comes to it is logged for the editor and starts nothing.

use std::time::Duration;

use ox_db::{now, repo};
use ox_types::{Json, TenantId, boxed};
use serde::{Deserialize, Serialize};
use serde_json::{Map, json};
use uuid::Uuid;

use super::{
    host::{RawReply, RawRequest, TriggerHost, TriggerProvider, TriggerSubscription},
    plugin::within,
    subscriptions::{self, Change, merged},
};
use crate::{Error, Principal, Result, Services, principal::Permission};

/// How long a draft is kept.
const LIFE: Duration = Duration::from_secs(30 * 60);
/// Requests that are shown of a draft.
const MAX_LOGS: usize = 20;
/// Bytes of a logged body.
const MAX_BODY: usize = 8192;

/// A draft of a subscription.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Builder {
    /// Also the last part of its address.
    pub id: Uuid,
    pub name: String,
    pub provider: String,
    pub credential_type: String,
    pub credentials: Map<String, Json>,
    pub parameters: Map<String, Json>,
    pub properties: Map<String, Json>,
}

/// How a draft is kept: its values are encrypted with the workspace's key.
#[derive(Serialize, Deserialize)]
struct Kept {
    tenant: TenantId,
    sealed: String,
}

impl Builder {
    fn subscription(&self, tenant: TenantId) -> TriggerSubscription {
        TriggerSubscription {
            id: self.id.to_string(),
            tenant_id: tenant,
            provider: self.provider.clone(),
            endpoint: self.id,
            credential_type: self.credential_type.clone(),
            credentials: self.credentials.clone(),
            parameters: self.parameters.clone(),
            properties: self.properties.clone(),
        }
    }
}

fn key(id: Uuid) -> String {
    format!("trigger-builder:{id}")
}

fn log_key(id: Uuid) -> String {
    format!("trigger-builder-log:{id}")
}

async fn save(services: &Services, tenant: TenantId, builder: &Builder) -> Result<()> {
    let secret = services.secrets.tenant_key(&services.db, tenant).await?;
    let text = serde_json::to_string(builder).map_err(Error::internal)?;
    let kept = Kept { tenant, sealed: secret.seal(&text)? };
    let text = serde_json::to_string(&kept).map_err(Error::internal)?;
    let tx = services.db.begin().await?;
    repo::kv::set(&tx, &key(builder.id), &text, Some(LIFE)).await?;
    Ok(tx.commit().await?)
}

/// The draft with this id, of any workspace.
async fn load(services: &Services, id: Uuid) -> Result<Option<(TenantId, Builder)>> {
    let Some(text) = repo::kv::get(&services.db, &key(id)).await? else { return Ok(None) };
    let kept: Kept = serde_json::from_str(&text).map_err(Error::internal)?;
    let secret = services.secrets.tenant_key(&services.db, kept.tenant).await?;
    let builder = serde_json::from_str(&secret.open(&kept.sealed)?).map_err(Error::internal)?;
    Ok(Some((kept.tenant, builder)))
}

/// The draft of the caller's workspace and of this provider, with what the provider declares.
async fn own(
    services: &Services,
    principal: &Principal,
    provider: &str,
    id: &str,
) -> Result<(Builder, TriggerProvider)> {
    principal.require(Permission::AppEdit)?;
    let declared = subscriptions::provider(services, principal, provider).await?;
    let gone = || Error::not_found("This draft of a subscription is gone: drafts are kept for 30 minutes.");
    let uuid: Uuid = id.parse().map_err(|_| gone())?;
    match load(services, uuid).await? {
        Some((tenant, builder)) if tenant == principal.tenant_id() && builder.provider == provider => {
            Ok((builder, declared))
        }
        _ => Err(gone()),
    }
}

/// The draft with its secret values masked.
fn shown(principal: &Principal, builder: Builder, declared: &TriggerProvider) -> Builder {
    let masked = subscriptions::masked(builder.subscription(principal.tenant_id()), declared);
    Builder { credentials: masked.credentials, properties: masked.properties, ..builder }
}

/// Begins a draft.
///
/// # Errors
/// 404 where the provider's plugin is not installed, 400 for a way to sign in that there is not.
#[boxed]
pub async fn create(
    services: &Services,
    principal: &Principal,
    provider: &str,
    credential_type: &str,
) -> Result<Builder> {
    principal.require(Permission::AppEdit)?;
    let declared = subscriptions::provider(services, principal, provider).await?;
    if !["unauthorized", "api-key"].contains(&credential_type) {
        return Err(Error::invalid_field(
            "credential_type",
            "A subscription is made with an API key (api-key) or by hand (unauthorized).",
        ));
    }
    if credential_type == "api-key" && !has_credentials(&declared.declaration) {
        return Err(Error::invalid_field(
            "credential_type",
            format!("{provider} takes no API key; set it up by hand."),
        ));
    }
    let builder = Builder {
        id: ox_types::new_uuid(),
        name: String::new(),
        provider: provider.to_owned(),
        credential_type: credential_type.to_owned(),
        credentials: Map::new(),
        parameters: Map::new(),
        properties: Map::new(),
    };
    save(services, principal.tenant_id(), &builder).await?;
    Ok(builder)
}

/// Whether a provider can subscribe for somebody who gives credentials.
#[must_use]
pub fn has_credentials(declaration: &Map<String, Json>) -> bool {
    let form = declaration.get("subscription_constructor").and_then(|made| made.get("credentials_schema"));
    match form {
        Some(Json::Array(rows)) => !rows.is_empty(),
        Some(Json::Object(rows)) => !rows.is_empty(),
        _ => false,
    }
}

/// A draft, secret values masked.
///
/// # Errors
/// 404 when it is gone.
#[boxed]
pub async fn get(services: &Services, principal: &Principal, provider: &str, id: &str) -> Result<Builder> {
    let (builder, declared) = own(services, principal, provider, id).await?;
    Ok(shown(principal, builder, &declared))
}

fn apply(builder: &mut Builder, change: Change) {
    if let Some(name) = change.name {
        name.trim().clone_into(&mut builder.name);
    }
    if let Some(parameters) = change.parameters {
        builder.parameters = parameters;
    }
    if let Some(properties) = change.properties {
        builder.properties = merged(properties, &builder.properties);
    }
    if let Some(credentials) = change.credentials {
        builder.credentials = merged(credentials, &builder.credentials);
    }
}

/// Fills a draft in.
///
/// # Errors
/// 404 when it is gone, 400 for what is too long.
#[boxed]
pub async fn update(
    services: &Services,
    principal: &Principal,
    provider: &str,
    id: &str,
    change: Change,
) -> Result<Builder> {
    let (mut builder, declared) = own(services, principal, provider, id).await?;
    change.check()?;
    apply(&mut builder, change);
    save(services, principal.tenant_id(), &builder).await?;
    Ok(shown(principal, builder, &declared))
}

/// Has the provider check credentials, and keeps them in the draft.
///
/// # Errors
/// 404 when the draft is gone, 400 for credentials that are refused.
#[boxed]
pub async fn verify(
    services: &Services,
    principal: &Principal,
    provider: &str,
    id: &str,
    credentials: Map<String, Json>,
) -> Result<()> {
    let (mut builder, _) = own(services, principal, provider, id).await?;
    let change = Change { credentials: Some(credentials), ..Change::default() };
    change.check()?;
    apply(&mut builder, change);
    let gone = || Error::not_found("The plugin host is gone.");
    let host = subscriptions::host_of(services).ok_or_else(gone)?;
    within(host.validate(principal.tenant_id(), provider, &builder.credentials)).await?;
    save(services, principal.tenant_id(), &builder).await
}

/// Makes the subscription of a draft.
///
/// # Errors
/// 404 when the draft is gone; as [`Change`] and the provider refuse it.
#[boxed]
pub async fn build(
    services: &Services,
    principal: &Principal,
    provider: &str,
    id: &str,
    change: Change,
    base: &str,
) -> Result<()> {
    let (mut builder, _) = own(services, principal, provider, id).await?;
    change.check()?;
    apply(&mut builder, change);
    let subscription = builder.subscription(principal.tenant_id());
    let address = subscriptions::address(base, builder.id);
    subscriptions::add(services, principal, &builder.name, subscription, &address).await?;
    let tx = services.db.begin().await?;
    repo::kv::delete(&tx, &key(builder.id)).await?;
    repo::kv::delete(&tx, &log_key(builder.id)).await?;
    Ok(tx.commit().await?)
}

/// The last requests to the address of a draft, newest first.
///
/// # Errors
/// 404 when the draft is gone.
#[boxed]
pub async fn logs(services: &Services, principal: &Principal, provider: &str, id: &str) -> Result<Vec<Json>> {
    let (builder, _) = own(services, principal, provider, id).await?;
    logged(services, builder.id).await
}

async fn logged(services: &Services, id: Uuid) -> Result<Vec<Json>> {
    let text = repo::kv::get(&services.db, &log_key(id)).await?;
    Ok(text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default())
}

/// A request to the address of a draft: the plugin answers it, the editor sees it, nothing starts. None where there is
/// no draft.
pub(super) async fn receive(
    services: &Services,
    host: &dyn TriggerHost,
    endpoint: Uuid,
    request: &RawRequest,
) -> Result<Option<RawReply>> {
    let Some((tenant, builder)) = load(services, endpoint).await? else { return Ok(None) };
    let done = within(host.dispatch(&builder.subscription(tenant), request)).await;
    let response = match &done {
        Ok(what) => json!({
            "status_code": what.reply.status, "headers": pairs(&what.reply.headers), "data": cut(&what.reply.body),
        }),
        Err(error) => json!({"status_code": 400, "headers": {}, "data": error.to_string()}),
    };
    let entry = json!({
        "id": ox_types::new_uuid(), "endpoint": endpoint, "created_at": now().to_rfc3339(),
        "request": {
            "method": request.method, "url": request.target, "headers": pairs(&request.headers),
            "data": cut(&request.body),
        },
        "response": response,
    });
    let mut logs = logged(services, endpoint).await?;
    logs.insert(0, entry);
    logs.truncate(MAX_LOGS);
    let text = serde_json::to_string(&logs).map_err(Error::internal)?;
    let tx = services.db.begin().await?;
    repo::kv::set(&tx, &log_key(endpoint), &text, Some(LIFE)).await?;
    tx.commit().await?;
    Ok(Some(done?.reply))
}

fn pairs(headers: &[(String, String)]) -> Map<String, Json> {
    headers.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect()
}

fn cut(body: &[u8]) -> String {
    String::from_utf8_lossy(body.get(..MAX_BODY).unwrap_or(body)).into_owned()
}
