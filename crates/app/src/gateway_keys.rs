//! Keys of the model gateway: with one, software outside asks the workspace's models at `/gateway/v1`.
//!
//! A key is shown once, when it is made; what is kept is its hash. Who carries it may ask models and nothing else.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use moka::{future::Cache, sync::Cache as SyncCache};
use ox_db::{model::GatewayKey, now, repo};
use ox_types::{GatewayKeyId, TenantId, boxed};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::{
    Error, Principal, Result, Services, api_keys, audit, changes::Changes, principal::Permission,
    providers::names::ModelNames,
};

const MAX_KEYS: usize = 100;
const MAX_NAME: usize = 100;
const MAX_MODELS: usize = 200;
const MAX_PER_MINUTE: u32 = 1_000_000;
const PREFIX: &str = "sk-ox-";
/// Letters of a key behind its prefix.
const LENGTH: usize = 40;
/// How much of a key is shown later.
const SHOWN: usize = PREFIX.len() + 6;
/// How long another process may go on with what it has read.
const FRESH: Duration = Duration::from_secs(3);
/// How exactly the last use of a key is known.
const NOTED_FOR: Duration = Duration::from_secs(60);
/// How long the names of a workspace's models are used without asking again.
const NAMED_FOR: Duration = Duration::from_secs(10);

/// What is remembered of keys between two requests.
pub struct GatewayKeys {
    changes: Changes,
    found: Cache<(u64, Box<str>), Option<Arc<Holder>>>,
    noted: SyncCache<GatewayKeyId, ()>,
    pub(crate) names: Cache<TenantId, Arc<ModelNames>>,
}

impl Default for GatewayKeys {
    fn default() -> Self {
        Self {
            changes: Changes::default(),
            found: Cache::builder().max_capacity(20_000).time_to_live(FRESH).build(),
            noted: SyncCache::builder().max_capacity(20_000).time_to_live(NOTED_FOR).build(),
            names: Cache::builder().max_capacity(1_000).time_to_live(NAMED_FOR).build(),
        }
    }
}

/// Who has opened the gateway.
#[derive(Clone, Debug)]
pub struct Holder {
    pub key: GatewayKey,
    /// `normal` or `archive`.
    tenant_status: String,
}

impl Holder {
    /// Whether the key is for this model, by its `provider id/model`.
    #[must_use]
    pub fn may_ask(&self, full_name: &str) -> bool {
        self.key.allowed_models.as_ref().is_none_or(|names| names.iter().any(|name| name == full_name))
    }
}

/// What a person decides of a key.
#[derive(Clone, Debug)]
pub struct Draft {
    pub name: String,
    /// `provider/model`, the provider in any spelling; `None` is all models.
    pub allowed_models: Option<Vec<String>>,
    pub requests_per_minute: Option<u32>,
    pub expires_at: Option<DateTime<Utc>>,
    pub enabled: bool,
}

/// The keys of the workspace, newest first.
///
/// # Errors
/// When they cannot be read, or are not for this member.
#[boxed]
pub async fn list(services: &Services, principal: &Principal) -> Result<Vec<GatewayKey>> {
    principal.require(Permission::ModelManage)?;
    Ok(repo::gateway_keys::list(&services.db, principal.tenant_id()).await?)
}

/// A new key, and its text, which is not told again.
///
/// # Errors
/// 400 naming what is wrong, or when there are as many as there may be.
#[boxed]
pub async fn create(services: &Services, principal: &Principal, draft: Draft) -> Result<(GatewayKey, String)> {
    if list(services, principal).await?.len() >= MAX_KEYS {
        let text = format!("A workspace has at most {MAX_KEYS} keys of the model gateway.");
        return Err(Error::new(400, "max_keys_exceeded", text));
    }
    if draft.expires_at.is_some_and(|at| at <= now()) {
        return Err(Error::invalid_field("expires_at", "A new key must expire in the future."));
    }
    let draft = checked(services, draft)?;
    let token = format!("{PREFIX}{}", ox_auth::random_code(LENGTH));
    let key = GatewayKey {
        id: GatewayKeyId::new(),
        tenant_id: principal.tenant_id(),
        name: draft.name,
        token_hash: hash_of(&token),
        token_prefix: token.chars().take(SHOWN).collect(),
        allowed_models: draft.allowed_models,
        requests_per_minute: limit(draft.requests_per_minute),
        expires_at: draft.expires_at,
        enabled: draft.enabled,
        created_by: principal.account_id()?,
        last_used_at: None,
        created_at: now(),
    };
    let tx = services.db.begin().await?;
    repo::gateway_keys::insert(&tx, &key).await?;
    tx.commit().await?;
    audit::record(services, principal, "gateway.key.create", "gateway_key", key.id.0, None, Some(told(&key))).await;
    Ok((key, token))
}

/// Changes what a key may do.
///
/// # Errors
/// 404 for an unknown key, 400 naming what is wrong.
#[boxed]
pub async fn update(services: &Services, principal: &Principal, id: GatewayKeyId, draft: Draft) -> Result<GatewayKey> {
    principal.require(Permission::ModelManage)?;
    let tenant = principal.tenant_id();
    let before = repo::gateway_keys::find(&services.db, tenant, id).await?.ok_or_else(missing)?;
    let draft = checked(services, draft)?;
    let after = GatewayKey {
        name: draft.name,
        allowed_models: draft.allowed_models,
        requests_per_minute: limit(draft.requests_per_minute),
        expires_at: draft.expires_at,
        enabled: draft.enabled,
        ..before.clone()
    };
    let tx = services.db.begin().await?;
    repo::gateway_keys::update(&tx, &after).await?;
    tx.commit().await?;
    services.gateway_keys.changes.add();
    let (was, is) = (Some(told(&before)), Some(told(&after)));
    audit::record(services, principal, "gateway.key.update", "gateway_key", id.0, was, is).await;
    Ok(after)
}

/// Deletes a key; calls with it fail from now on.
///
/// # Errors
/// 404 for an unknown key.
#[boxed]
pub async fn delete(services: &Services, principal: &Principal, id: GatewayKeyId) -> Result<()> {
    principal.require(Permission::ModelManage)?;
    let tenant = principal.tenant_id();
    let before = repo::gateway_keys::find(&services.db, tenant, id).await?.ok_or_else(missing)?;
    let tx = services.db.begin().await?;
    if !repo::gateway_keys::delete(&tx, tenant, id).await? {
        return Err(missing());
    }
    tx.commit().await?;
    services.gateway_keys.changes.add();
    audit::record(services, principal, "gateway.key.delete", "gateway_key", id.0, Some(told(&before)), None).await;
    Ok(())
}

/// Opens the gateway with the key in an `Authorization` header.
///
/// # Errors
/// 401 for a key that is none, switched off or expired, 403 for a workspace that is archived, 429 when the key was used
/// too often.
#[boxed]
pub async fn open(services: &Arc<Services>, header: Option<&str>) -> Result<Arc<Holder>> {
    let hash = hash_of(api_keys::token_of(header)?);
    let keys = &services.gateway_keys;
    let at: (u64, Box<str>) = (keys.changes.count(), hash.as_str().into());
    let known = keys.found.get(&at).await;
    let holder = match known {
        Some(holder) => holder,
        None => keys.found.try_get_with(at, load(services, &hash)).await?,
    };
    let holder = holder.ok_or_else(|| Error::unauthorized("Incorrect API key provided."))?;
    let key = &holder.key;
    if !key.enabled {
        return Err(Error::unauthorized("This API key is switched off."));
    }
    if key.expires_at.is_some_and(|at| at <= now()) {
        return Err(Error::unauthorized("This API key has expired."));
    }
    if holder.tenant_status == "archive" {
        return Err(Error::forbidden("The workspace's status is archived."));
    }
    let per_minute = key.requests_per_minute.and_then(|limit| u32::try_from(limit).ok()).unwrap_or(0);
    api_keys::count_minute(services, key.id.0, per_minute).await?;
    note(services, key.id);
    Ok(holder)
}

async fn load(services: &Services, hash: &str) -> Result<Option<Arc<Holder>>, ox_db::Error> {
    let Some(key) = repo::gateway_keys::by_hash(&services.db, hash).await? else { return Ok(None) };
    let tenant = repo::tenants::find(&services.db, key.tenant_id).await?;
    let tenant_status = tenant.map_or_else(|| "archive".to_owned(), |tenant| tenant.status);
    Ok(Some(Arc::new(Holder { key, tenant_status })))
}

/// Writes down that a key was used, at most once a minute and in the background.
fn note(services: &Arc<Services>, id: GatewayKeyId) {
    if !services.gateway_keys.noted.entry(id).or_insert(()).is_fresh() {
        return;
    }
    let services = Arc::clone(services);
    services.tracker.clone().spawn(async move {
        let written = async {
            let tx = services.db.begin().await?;
            repo::gateway_keys::used(&tx, id, now()).await?;
            tx.commit().await
        };
        if let Err(error) = written.await {
            tracing::warn!(%error, "the use of a gateway key was not noted");
        }
    });
}

fn hash_of(token: &str) -> String {
    hex::encode(Sha256::digest(token.as_bytes()))
}

fn missing() -> Error {
    Error::not_found("Gateway key not found.")
}

/// What the audit log tells of a key.
fn told(key: &GatewayKey) -> serde_json::Value {
    json!({
        "name": key.name, "allowed_models": key.allowed_models, "requests_per_minute": key.requests_per_minute,
        "expires_at": key.expires_at.map(|at| at.timestamp()), "enabled": key.enabled,
    })
}

fn limit(per_minute: Option<u32>) -> Option<i32> {
    per_minute.filter(|limit| *limit > 0).and_then(|limit| i32::try_from(limit).ok())
}

/// What is wrong with a draft, by its field; models get their full names.
fn checked(services: &Services, draft: Draft) -> Result<Draft> {
    let name = draft.name.trim().to_owned();
    if name.is_empty() || name.chars().count() > MAX_NAME {
        return Err(Error::invalid_field("name", format!("A key needs a name of 1 to {MAX_NAME} characters.")));
    }
    if draft.requests_per_minute.is_some_and(|limit| limit > MAX_PER_MINUTE) {
        let text = format!("At most {MAX_PER_MINUTE} requests a minute can be counted.");
        return Err(Error::invalid_field("requests_per_minute", text));
    }
    let wrong = |text: String| Error::invalid_field("allowed_models", text);
    let allowed_models = match draft.allowed_models {
        None => None,
        Some(names) if names.is_empty() => return Err(wrong("Choose at least one model, or allow all.".into())),
        Some(names) if names.len() > MAX_MODELS => return Err(wrong(format!("At most {MAX_MODELS} models."))),
        Some(names) => {
            let mut full = Vec::with_capacity(names.len());
            for name in &names {
                let found = services.models.full_name(name).ok_or_else(|| {
                    wrong(format!("'{name}' is not a model: name it as provider/model, with a provider that exists."))
                })?;
                if !full.contains(&found) {
                    full.push(found);
                }
            }
            Some(full)
        }
    };
    Ok(Draft { name, allowed_models, ..draft })
}
