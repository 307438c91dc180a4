//! Keys of the Service API.

use chrono::Utc;
use ox_db::{
    model::{ApiToken, KeyLimits},
    repo,
};
use ox_types::AppId;
use ox_types::boxed;
use serde_json::json;
use uuid::Uuid;

use super::find;
use crate::{Error, Principal, Result, Services, api_keys::Scope, audit, principal::Permission};

const MAX_KEYS: usize = 10;
/// The largest limit that can be set.
const MAX_LIMIT: u32 = 1_000_000;

/// What a key may do, as its owner says it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyChange {
    /// 0 is no limit.
    pub requests_per_minute: u32,
    /// 0 is no limit.
    pub concurrent_runs: u32,
    /// `None` is every operation.
    pub scopes: Option<Vec<String>>,
}

impl KeyChange {
    fn checked(self) -> Result<KeyLimits> {
        let limit = |name: &str, value: u32| match i32::try_from(value) {
            Ok(0) => Ok(None),
            Ok(value) if value.unsigned_abs() <= MAX_LIMIT => Ok(Some(value)),
            _ => Err(Error::invalid_field(name, format!("{name} must be between 0 and {MAX_LIMIT}."))),
        };
        let scopes = self.scopes.map(|names| {
            if let Some(name) = names.iter().find(|name| Scope::parse(name).is_none()) {
                let known: Vec<&str> = Scope::ALL.iter().map(|scope| scope.as_str()).collect();
                let text = format!("'{name}' is not a scope; there are {}.", known.join(", "));
                return Err(Error::invalid_field("scopes", text));
            }
            // In their own order, each once.
            let chosen = Scope::ALL.iter().map(|scope| scope.as_str()).filter(|known| names.iter().any(|n| n == known));
            Ok(chosen.collect::<Vec<_>>().join(","))
        });
        Ok(KeyLimits {
            requests_per_minute: limit("requests_per_minute", self.requests_per_minute)?,
            concurrent_runs: limit("concurrent_runs", self.concurrent_runs)?,
            scopes: scopes.transpose()?,
        })
    }
}

/// The keys of an app.
#[boxed]
pub async fn list_keys(services: &Services, principal: &Principal, app: AppId) -> Result<Vec<ApiToken>> {
    find(services, principal, app).await?;
    Ok(repo::apps::keys(&services.db, principal.tenant_id(), app).await?)
}

/// A new key.
#[boxed]
pub async fn create_key(services: &Services, principal: &Principal, app: AppId) -> Result<ApiToken> {
    principal.require(Permission::ApiKeyManage)?;
    if list_keys(services, principal, app).await?.len() >= MAX_KEYS {
        return Err(Error::new(
            400,
            "max_keys_exceeded",
            format!("Cannot create more than {MAX_KEYS} API keys for this resource type."),
        ));
    }
    let token = ApiToken {
        id: ox_types::new_uuid(),
        app_id: Some(app),
        tenant_id: Some(principal.tenant_id()),
        kind: "app".into(),
        token: format!("app-{}", ox_auth::random_code(24)),
        last_used_at: None,
        created_at: Utc::now(),
        limits: KeyLimits::default(),
    };
    let tx = services.db.begin().await?;
    repo::apps::insert_key(&tx, &token).await?;
    tx.commit().await?;
    audit::record(services, principal, "app.key.create", "app", app.0, None, Some(json!({"key": token.id}))).await;
    Ok(token)
}

/// Sets what a key may do; it holds from now on.
///
/// # Errors
/// 400 for a limit or scope that is none, 404 for an unknown key.
#[boxed]
pub async fn limit_key(
    services: &Services,
    principal: &Principal,
    app: AppId,
    key: Uuid,
    change: KeyChange,
) -> Result<ApiToken> {
    principal.require(Permission::ApiKeyManage)?;
    find(services, principal, app).await?;
    let limits = change.checked()?;
    let tx = services.db.begin().await?;
    let changed = repo::apps::limit_key(&tx, principal.tenant_id(), app, key, &limits).await?;
    let changed = changed.ok_or_else(|| Error::not_found("API key not found"))?;
    tx.commit().await?;
    services.forget_app(app).await;
    let told = json!({"key": key, "requests_per_minute": limits.requests_per_minute,
        "concurrent_runs": limits.concurrent_runs, "scopes": limits.scopes});
    audit::record(services, principal, "app.key.limit", "app", app.0, None, Some(told)).await;
    Ok(changed)
}

/// Deletes a key; calls with it fail from now on.
#[boxed]
pub async fn delete_key(services: &Services, principal: &Principal, app: AppId, key: Uuid) -> Result<()> {
    principal.require(Permission::ApiKeyDelete)?;
    find(services, principal, app).await?;
    let tx = services.db.begin().await?;
    if !repo::apps::delete_key(&tx, principal.tenant_id(), app, key).await? {
        return Err(Error::not_found("API key not found"));
    }
    tx.commit().await?;
    services.forget_app(app).await;
    audit::record(services, principal, "app.key.delete", "app", app.0, Some(json!({"key": key})), None).await;
    Ok(())
}
