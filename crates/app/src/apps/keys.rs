//! Keys of the Service API.

use chrono::Utc;
use ox_db::{model::ApiToken, repo};
use ox_types::AppId;
use ox_types::boxed;
use serde_json::json;
use uuid::Uuid;

use super::find;
use crate::{Error, Principal, Result, Services, audit, principal::Permission};

const MAX_KEYS: usize = 10;

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
    };
    let tx = services.db.begin().await?;
    repo::apps::insert_key(&tx, &token).await?;
    tx.commit().await?;
    audit::record(services, principal, "app.key.create", "app", app.0, None, Some(json!({"key": token.id}))).await;
    Ok(token)
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
