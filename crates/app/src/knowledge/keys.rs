//! Keys of the Service API for knowledge: for all knowledge bases of a workspace (`dataset-`), or for one (`ds-`).

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
/// The kind of the keys of one knowledge base.
const OWN: &str = "ds";

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
    let token = fresh(principal, "dataset");
    let tx = services.db.begin().await?;
    repo::apps::insert_key(&tx, &token).await?;
    tx.commit().await?;
    let tenant = principal.tenant_id().0;
    audit::record(services, principal, "dataset.key.create", "tenant", tenant, None, Some(json!({"key": token.id})))
        .await;
    Ok(token)
}

/// A key of a kind; keys begin with the name of their kind.
fn fresh(principal: &Principal, kind: &str) -> ApiToken {
    ApiToken {
        id: ox_types::new_uuid(),
        app_id: None,
        tenant_id: Some(principal.tenant_id()),
        kind: kind.into(),
        token: format!("{kind}-{}", ox_auth::random_code(24)),
        last_used_at: None,
        created_at: now(),
        limits: KeyLimits::default(),
    }
}

/// The keys of one knowledge base, newest first.
///
/// # Errors
/// As for the knowledge base.
#[boxed]
pub async fn list_own_keys(services: &Services, principal: &Principal, dataset: DatasetId) -> Result<Vec<ApiToken>> {
    let dataset = super::datasets::find_to_edit(services, principal, dataset).await?;
    Ok(repo::api_tokens::of_dataset(&services.db, dataset.tenant_id, dataset.id).await?)
}

/// A new key of one knowledge base: nothing else can be reached with it.
///
/// # Errors
/// 400 when there are as many as there may be.
#[boxed]
pub async fn create_own_key(services: &Services, principal: &Principal, dataset: DatasetId) -> Result<ApiToken> {
    principal.require(Permission::ApiKeyManage)?;
    if list_own_keys(services, principal, dataset).await?.len() >= MAX_KEYS {
        let text = format!("Cannot create more than {MAX_KEYS} API keys for this resource type.");
        return Err(Error::new(400, "max_keys_exceeded", text));
    }
    let token = fresh(principal, OWN);
    let tx = services.db.begin().await?;
    repo::apps::insert_key(&tx, &token).await?;
    repo::api_tokens::bind(&tx, token.id, dataset).await?;
    tx.commit().await?;
    let about = json!({"key": token.id});
    audit::record(services, principal, "dataset.key.create", "dataset", dataset.0, None, Some(about)).await;
    Ok(token)
}

/// Deletes a key of one knowledge base.
///
/// # Errors
/// 404 for an unknown key.
#[boxed]
pub async fn delete_own_key(services: &Services, principal: &Principal, dataset: DatasetId, key: Uuid) -> Result<()> {
    principal.require(Permission::ApiKeyDelete)?;
    super::datasets::find_to_edit(services, principal, dataset).await?;
    let tx = services.db.begin().await?;
    if repo::api_tokens::delete_of_dataset(&tx, dataset, Some(key)).await? == 0 {
        return Err(Error::not_found("API key not found"));
    }
    tx.commit().await?;
    let about = json!({"key": key});
    audit::record(services, principal, "dataset.key.delete", "dataset", dataset.0, Some(about), None).await;
    Ok(())
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

/// Whoever carries the key of a workspace's knowledge acts as its owner, within one knowledge base if the key is of one.
/// `dataset` is the one in the path: whether it
/// is there and may be called is looked at first.
///
/// # Errors
/// 404 and 403 for the knowledge base, 401 for the key.
#[boxed]
pub async fn open(services: &Arc<Services>, header: Option<&str>, dataset: Option<DatasetId>) -> Result<Principal> {
    // Compat: the knowledge base is looked at before the key is.
    if let Some(id) = dataset {
        match repo::datasets::is_callable(&services.db, id).await? {
            None => return Err(super::datasets::missing()),
            Some(false) => return Err(Error::forbidden("Dataset api access is not enabled.")),
            Some(true) => {}
        }
    }
    let token = crate::api_keys::token_of(header)?;
    let is_own = token.starts_with("ds-");
    let key = repo::api_tokens::find(&services.db, token, if is_own { OWN } else { "dataset" }).await?;
    let key = key.ok_or_else(|| Error::unauthorized("Access token is invalid"))?;
    if is_own && (dataset.is_none() || repo::api_tokens::dataset_of(&services.db, key.id).await? != dataset) {
        return Err(Error::forbidden("This key is for one knowledge base."));
    }
    let tenant_id = key.tenant_id.ok_or_else(|| Error::unauthorized("Tenant does not exist."))?;
    let members = repo::tenants::members(&services.db, tenant_id).await?;
    let owner = members.iter().find(|(member, _)| member.role == "owner");
    let (_, owner) = owner.ok_or_else(|| Error::unauthorized("Tenant owner account does not exist."))?;
    crate::api_keys::note(services, key.id);
    Ok(Principal::Member { account_id: owner.id, tenant_id, role: Role::Owner })
}
