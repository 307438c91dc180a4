//! Keys of the Service API for knowledge: one for all knowledge bases of a workspace.

use std::sync::Arc;

use ox_db::{
    model::{ApiToken, KeyLimits},
    now, repo,
};
use ox_types::{DatasetId, boxed};
use serde_json::json;
use uuid::Uuid;

use crate::{
    Error, Principal, Result, Services, audit,
    principal::{Permission, Role},
};

const MAX_KEYS: usize = 10;

/// The keys of the workspace, newest first.
///
/// # Errors
/// When they cannot be read.
#[boxed]
pub async fn list_keys(services: &Services, principal: &Principal) -> Result<Vec<ApiToken>> {
    principal.require(Permission::DatasetEdit)?;
    Ok(repo::api_tokens::of_tenant(&services.db, principal.tenant_id(), "dataset").await?)
}

/// A new key.
///
/// # Errors
/// 400 when there are as many as there may be.
#[boxed]
pub async fn create_key(services: &Services, principal: &Principal) -> Result<ApiToken> {
    principal.require(Permission::ApiKeyDelete)?;
    if list_keys(services, principal).await?.len() >= MAX_KEYS {
        let text = format!("Cannot create more than {MAX_KEYS} API keys for this resource type.");
        return Err(Error::new(400, "max_keys_exceeded", text));
    }
    let token = ApiToken {
        id: ox_types::new_uuid(),
        app_id: None,
        tenant_id: Some(principal.tenant_id()),
        kind: "dataset".into(),
        token: format!("dataset-{}", ox_auth::random_code(24)),
        last_used_at: None,
        created_at: now(),
        limits: KeyLimits::default(),
    };
    let tx = services.db.begin().await?;
    repo::apps::insert_key(&tx, &token).await?;
    tx.commit().await?;
    let tenant = principal.tenant_id().0;
    audit::record(services, principal, "dataset.key.create", "tenant", tenant, None, Some(json!({"key": token.id})))
        .await;
    Ok(token)
}

/// Deletes a key; calls with it fail from now on.
///
/// # Errors
/// 404 for an unknown key.
#[boxed]
pub async fn delete_key(services: &Services, principal: &Principal, key: Uuid) -> Result<()> {
    principal.require(Permission::ApiKeyDelete)?;
    let tx = services.db.begin().await?;
    if !repo::api_tokens::delete_of_tenant(&tx, principal.tenant_id(), "dataset", key).await? {
        return Err(Error::not_found("API key not found"));
    }
    tx.commit().await?;
    let tenant = principal.tenant_id().0;
    audit::record(services, principal, "dataset.key.delete", "tenant", tenant, Some(json!({"key": key})), None).await;
    Ok(())
}

/// Whoever carries the key of a workspace's knowledge acts as its owner. `dataset` is the one in the path: whether it
/// is there and may be called is looked at first.
///
/// # Errors
/// 404 and 403 for the knowledge base, 401 for the key.
#[boxed]
pub async fn open(
    services: &Arc<Services>,
    header: Option<&str>,
    dataset: Option<DatasetId>,
) -> Result<Principal> {
    // Compat: the knowledge base is looked at before the key is.
    if let Some(id) = dataset {
        match repo::datasets::is_callable(&services.db, id).await? {
            None => return Err(super::datasets::missing()),
            Some(false) => return Err(Error::forbidden("Dataset api access is not enabled.")),
            Some(true) => {}
        }
    }
    let token = crate::api_keys::token_of(header)?;
    let key = repo::api_tokens::find(&services.db, token, "dataset").await?;
    let key = key.ok_or_else(|| Error::unauthorized("Access token is invalid"))?;
    let tenant_id = key.tenant_id.ok_or_else(|| Error::unauthorized("Tenant does not exist."))?;
    let members = repo::tenants::members(&services.db, tenant_id).await?;
    let owner = members.iter().find(|(member, _)| member.role == "owner");
    let (_, owner) = owner.ok_or_else(|| Error::unauthorized("Tenant owner account does not exist."))?;
    crate::api_keys::note(services, key.id);
    Ok(Principal::Member { account_id: owner.id, tenant_id, role: Role::Owner })
}
