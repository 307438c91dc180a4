//! Services of others that search: entered once, then knowledge bases stand for what they know.

use ox_db::{
    model::{Dataset, ExternalKnowledgeApi, ExternalKnowledgeBinding},
    now, repo,
};
use ox_types::{DatasetId, Json, boxed, new_uuid};
use serde_json::json;
use uuid::Uuid;

use super::datasets;
use crate::{Error, Principal, Result, Services, audit, extensions::KEEP, principal::Permission};

const MAX_NAME: usize = 40;
const MAX_DATASET_NAME: usize = 100;
const MAX_KNOWLEDGE_ID: usize = 512;

/// A service as its workspace sees it: without its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiView {
    pub api: ExternalKnowledgeApi,
    /// The knowledge bases that stand for its knowledge.
    pub bound: Vec<(DatasetId, String)>,
}

/// What a service is made of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ApiForm {
    pub name: String,
    pub endpoint: String,
    /// Plain, or [`KEEP`].
    pub api_key: String,
}

/// A knowledge base that stands for one of somebody else.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NewExternal {
    pub api_id: Option<Uuid>,
    pub knowledge_id: String,
    pub name: String,
    pub description: Option<String>,
    pub retrieval_model: Option<Json>,
}

/// A page (1-based) of the workspace's services, newest first, and how many there are.
///
/// # Errors
/// When they cannot be read.
#[boxed]
pub async fn page(
    services: &Services,
    principal: &Principal,
    keyword: Option<&str>,
    page: u64,
    limit: u64,
) -> Result<(Vec<ApiView>, u64)> {
    principal.require(Permission::DatasetEdit)?;
    let tenant = principal.tenant_id();
    let (apis, total) = repo::external_knowledge::page(&services.db, tenant, keyword, page, limit).await?;
    Ok((views(services, principal, apis).await?, total))
}

async fn views(services: &Services, principal: &Principal, apis: Vec<ExternalKnowledgeApi>) -> Result<Vec<ApiView>> {
    let ids: Vec<Uuid> = apis.iter().map(|api| api.id).collect();
    let bound = repo::external_knowledge::bound(&services.db, principal.tenant_id(), &ids).await?;
    let of = |id: Uuid| {
        let own = bound.iter().filter(move |(api, _, _)| *api == id);
        own.map(|(_, dataset, name)| (*dataset, name.clone())).collect()
    };
    Ok(apis.into_iter().map(|api| ApiView { bound: of(api.id), api }).collect())
}

/// One of the workspace.
///
/// # Errors
/// 404 when it is not one of this workspace.
#[boxed]
pub async fn get(services: &Services, principal: &Principal, id: Uuid) -> Result<ApiView> {
    let api = find(services, principal, id).await?;
    let view = views(services, principal, vec![api]).await?.pop();
    view.ok_or_else(missing)
}

async fn find(services: &Services, principal: &Principal, id: Uuid) -> Result<ExternalKnowledgeApi> {
    principal.require(Permission::DatasetEdit)?;
    repo::external_knowledge::find(&services.db, principal.tenant_id(), id).await?.ok_or_else(missing)
}

fn missing() -> Error {
    Error::not_found("API template not found.")
}

/// Adds a service after asking it for a sign of life.
///
/// # Errors
/// 400 when something is missing or the service does not answer.
#[boxed]
pub async fn create(services: &Services, principal: &Principal, form: ApiForm) -> Result<ApiView> {
    principal.require(Permission::DatasetEdit)?;
    let (tenant, account, at) = (principal.tenant_id(), principal.account_id()?, now());
    let form = checked(&form)?;
    services.retriever.external().check(tenant, &form.endpoint, &form.api_key).await?;
    let api = ExternalKnowledgeApi {
        id: new_uuid(),
        tenant_id: tenant,
        name: form.name,
        description: String::new(),
        endpoint: form.endpoint,
        api_key: services.encrypt(tenant, &form.api_key).await?,
        created_by: account,
        updated_by: None,
        created_at: at,
        updated_at: at,
    };
    let tx = services.db.begin().await?;
    repo::external_knowledge::insert(&tx, api.clone()).await?;
    tx.commit().await?;
    noted(services, principal, "external_knowledge_api.create", &api).await;
    Ok(ApiView { api, bound: Vec::new() })
}

/// Changes a service, asking it for a sign of life first.
///
/// # Errors
/// As [`create`]; 404 for an unknown one.
#[boxed]
pub async fn update(services: &Services, principal: &Principal, id: Uuid, mut form: ApiForm) -> Result<ApiView> {
    let before = find(services, principal, id).await?;
    if form.api_key == KEEP {
        // A stored key is for the address it was entered with.
        if form.endpoint.trim() != before.endpoint {
            return Err(Error::invalid_field("api_key", "Enter the API key again for another endpoint."));
        }
        form.api_key = services.decrypt(before.tenant_id, &before.api_key).await?;
    }
    let form = checked(&form)?;
    services.retriever.external().check(before.tenant_id, &form.endpoint, &form.api_key).await?;
    let api = ExternalKnowledgeApi {
        name: form.name,
        endpoint: form.endpoint,
        api_key: services.encrypt(before.tenant_id, &form.api_key).await?,
        updated_by: Some(principal.account_id()?),
        updated_at: now(),
        ..before
    };
    let tx = services.db.begin().await?;
    repo::external_knowledge::update(&tx, api.clone()).await?;
    tx.commit().await?;
    noted(services, principal, "external_knowledge_api.update", &api).await;
    get(services, principal, id).await
}

/// Removes a service that no knowledge base stands for.
///
/// # Errors
/// 404 for an unknown one, 400 while one does.
#[boxed]
pub async fn delete(services: &Services, principal: &Principal, id: Uuid) -> Result<()> {
    let view = get(services, principal, id).await?;
    if !view.bound.is_empty() {
        let text = "Knowledge bases use this API. Delete them, or bind them to another one, first.";
        return Err(Error::conflict("external_api_in_use", text));
    }
    let tx = services.db.begin().await?;
    repo::external_knowledge::delete(&tx, view.api.tenant_id, id).await?;
    tx.commit().await?;
    noted(services, principal, "external_knowledge_api.delete", &view.api).await;
    Ok(())
}

async fn noted(services: &Services, principal: &Principal, action: &'static str, api: &ExternalKnowledgeApi) {
    let about = json!({"name": api.name, "endpoint": api.endpoint});
    audit::record(services, principal, action, "external_knowledge_api", api.id, None, Some(about)).await;
}

fn checked(form: &ApiForm) -> Result<ApiForm> {
    let name = form.name.trim().to_owned();
    if name.is_empty() || name.chars().count() > MAX_NAME {
        return Err(Error::invalid_field("name", format!("Name must be between 1 to {MAX_NAME} characters.")));
    }
    let endpoint = form.endpoint.trim().trim_end_matches('/').to_owned();
    if endpoint.is_empty() {
        return Err(Error::invalid_field("settings", "endpoint is required"));
    }
    if form.api_key.trim().is_empty() {
        return Err(Error::invalid_field("settings", "api_key is required"));
    }
    Ok(ApiForm { name, endpoint, api_key: form.api_key.trim().to_owned() })
}

/// Adds a knowledge base that stands for one of somebody else.
///
/// # Errors
/// 404 for an unknown service, 400 when something is missing, 409 when the name is taken.
#[boxed]
pub async fn add_dataset(services: &Services, principal: &Principal, new: NewExternal) -> Result<DatasetId> {
    let api_id = new.api_id.ok_or_else(|| Error::invalid("external knowledge api id is required"))?;
    let api = find(services, principal, api_id).await?;
    let knowledge_id = new.knowledge_id.trim();
    if knowledge_id.is_empty() || knowledge_id.chars().count() > MAX_KNOWLEDGE_ID {
        return Err(Error::invalid_field("external_knowledge_id", "external_knowledge_id is required"));
    }
    let name = new.name.trim().to_owned();
    if name.is_empty() || name.chars().count() > MAX_DATASET_NAME {
        let text = format!("Name must be between 1 to {MAX_DATASET_NAME} characters.");
        return Err(Error::invalid_field("name", text));
    }
    let dataset = Dataset {
        description: new.description,
        provider: "external".into(),
        retrieval_model: new.retrieval_model,
        ..datasets::blank(principal, name)?
    };
    let binding = ExternalKnowledgeBinding {
        dataset_id: dataset.id,
        tenant_id: api.tenant_id,
        api_id,
        knowledge_id: knowledge_id.to_owned(),
        created_by: principal.account_id()?,
        created_at: now(),
    };
    let id = dataset.id;
    let tx = services.db.begin().await?;
    repo::datasets::insert(&tx, dataset).await.map_err(datasets::name_taken)?;
    repo::external_knowledge::bind(&tx, binding).await?;
    tx.commit().await?;
    Ok(id)
}
