//! Knowledge bases: make, list, change, delete, and who may see them.

mod checks;

use std::{collections::HashMap, sync::Arc};

use ox_db::{
    model::{App, Dataset, MetadataField, Tag},
    now,
    repo::{
        self,
        datasets::{DatasetFigures, DatasetFilter, Gone, Visible},
    },
};
use ox_models::{ModelKind, ModelRef, ModelRuntime as _, ModelScope};
use ox_types::{AccountId, AppId, DatasetId, Json, TenantId, boxed};
use serde_json::json;
use uuid::Uuid;

use crate::{
    Error, Principal, Result, Services,
    apps::Page,
    audit,
    knowledge::{pictures, summaries},
    principal::{Permission, Role},
    providers,
};
use checks::{checked_description, checked_name, checked_permission, checked_retrieval, checked_technique};

const NO_PERMISSION: &str = "You do not have permission to access this dataset.";

/// A knowledge base with what is shown beside it.
#[derive(Clone, Debug)]
pub struct DatasetView {
    pub dataset: Dataset,
    pub figures: DatasetFigures,
    pub tags: Vec<Tag>,
    pub fields: Vec<MetadataField>,
    pub author_name: Option<String>,
    /// Whether its embedding model can be used; `None` where nobody asked.
    pub embedding_available: Option<bool>,
    /// Who was let in, where that counts.
    pub members: Vec<AccountId>,
    /// What it stands for, where that is knowledge of somebody else.
    pub external: Option<Standing>,
    /// Whether its pipeline can be run.
    pub is_published: bool,
}

/// Which knowledge of somebody else a knowledge base stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    pub knowledge_id: String,
    pub api_id: Uuid,
    pub api_name: String,
    pub endpoint: String,
}

/// What a list is filtered by.
#[derive(Clone, Debug, Default)]
pub struct DatasetQuery {
    pub page: u64,
    pub limit: u64,
    pub keyword: Option<String>,
    pub tag_ids: Vec<Uuid>,
    pub ids: Vec<DatasetId>,
    /// Everything there is; for owners only.
    pub include_all: bool,
}

/// A new knowledge base.
#[derive(Clone, Debug, Default)]
pub struct NewDataset {
    pub name: String,
    pub description: Option<String>,
    pub permission: Option<String>,
    pub indexing: Indexing,
    pub summary_index_setting: Option<Json>,
}

/// How a knowledge base is indexed and searched, where it is given.
#[derive(Clone, Debug, Default)]
pub struct Indexing {
    pub technique: Option<String>,
    pub embedding_model: Option<String>,
    pub embedding_model_provider: Option<String>,
    pub retrieval_model: Option<Json>,
}

/// What is to change.
#[derive(Clone, Debug, Default)]
pub struct DatasetChange {
    pub name: Option<String>,
    pub description: Option<String>,
    pub permission: Option<String>,
    pub members: Option<Vec<AccountId>>,
    pub indexing: Indexing,
    pub summary_index_setting: Option<Json>,
    pub icon_info: Option<Json>,
}

/// The role of a caller who is a member.
fn role_of(principal: &Principal) -> Option<Role> {
    match principal {
        Principal::Member { role, .. } => Some(*role),
        _ => None,
    }
}

/// The error for a knowledge base that is not there.
pub(super) fn missing() -> Error {
    Error::not_found("Dataset not found.")
}

/// A knowledge base that the caller may see.
///
/// # Errors
/// 404 when the workspace has none, 403 when it is not for this member.
#[boxed]
pub async fn find(services: &Services, principal: &Principal, id: DatasetId) -> Result<Dataset> {
    let dataset = repo::datasets::find(&services.db, principal.tenant_id(), id).await?.ok_or_else(missing)?;
    require_sight(services, principal, &dataset).await?;
    Ok(dataset)
}

pub(crate) async fn require_sight(services: &Services, principal: &Principal, dataset: &Dataset) -> Result<()> {
    let refused = || Error::forbidden(NO_PERMISSION);
    let account = principal.account_id()?;
    let role = role_of(principal).ok_or_else(refused)?;
    if role == Role::Owner || dataset.created_by == account {
        return Ok(());
    }
    let needs_grant = role == Role::DatasetOperator || dataset.permission == "partial_members";
    let may = match dataset.permission.as_str() {
        _ if needs_grant => repo::datasets::members(&services.db, dataset.id).await?.contains(&account),
        "all_team_members" => true,
        _ => false,
    };
    if may { Ok(()) } else { Err(refused()) }
}

/// A knowledge base that the caller may change.
///
/// # Errors
/// As [`find`], and 403 for a role that may not.
#[boxed]
pub async fn find_to_edit(services: &Services, principal: &Principal, id: DatasetId) -> Result<Dataset> {
    principal.require(Permission::DatasetEdit)?;
    find(services, principal, id).await
}

/// One page, newest first.
///
/// # Errors
/// When they cannot be read.
#[boxed]
pub async fn list(services: &Services, principal: &Principal, query: &DatasetQuery) -> Result<Page<DatasetView>> {
    let account = principal.account_id()?;
    let visible = match role_of(principal) {
        Some(Role::DatasetOperator) => Visible::Granted(account),
        Some(Role::Owner) if query.include_all => Visible::All,
        _ => Visible::Member(account),
    };
    let filter = DatasetFilter {
        visible,
        keyword: query.keyword.clone(),
        tag_ids: query.tag_ids.clone(),
        ids: query.ids.clone(),
        page: query.page,
        limit: query.limit,
    };
    let (found, total) = repo::datasets::list(&services.db, principal.tenant_id(), &filter).await?;
    let mut items = views(services, principal.tenant_id(), found).await?;
    for item in &mut items {
        item.embedding_available = Some(is_embedding_available(services, &item.dataset).await);
    }
    Ok(Page { page: query.page, limit: query.limit, total, items })
}

async fn views(services: &Services, tenant: TenantId, datasets: Vec<Dataset>) -> Result<Vec<DatasetView>> {
    let ids: Vec<DatasetId> = datasets.iter().map(|dataset| dataset.id).collect();
    let mut figures = repo::datasets::figures(&services.db, &ids).await?;
    let targets: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    let mut tags = repo::tags::of_targets(&services.db, tenant, &targets).await?;
    let mut fields = repo::dataset_metadata::of_datasets(&services.db, tenant, &ids).await?;
    let authors: Vec<AccountId> = datasets.iter().map(|dataset| dataset.created_by).collect();
    let people = services.people(&authors).await?;
    let mut members: HashMap<DatasetId, Vec<AccountId>> = HashMap::new();
    for dataset in datasets.iter().filter(|dataset| dataset.permission == "partial_members") {
        members.insert(dataset.id, repo::datasets::members(&services.db, dataset.id).await?);
    }
    let mut standing: HashMap<DatasetId, Standing> = HashMap::new();
    for dataset in datasets.iter().filter(|dataset| dataset.provider == "external") {
        let binding = repo::external_knowledge::binding(&services.db, tenant, dataset.id).await?;
        let Some(binding) = binding else { continue };
        let api = repo::external_knowledge::find(&services.db, tenant, binding.api_id).await?;
        let (api_name, endpoint) = api.map(|api| (api.name, api.endpoint)).unwrap_or_default();
        let (knowledge_id, api_id) = (binding.knowledge_id, binding.api_id);
        standing.insert(dataset.id, Standing { knowledge_id, api_id, api_name, endpoint });
    }
    let pipelines: Vec<Uuid> = datasets.iter().filter_map(|dataset| dataset.pipeline_id).collect();
    let published = repo::pipelines::published(&services.db, tenant, &pipelines).await?;
    let view = |dataset: Dataset| DatasetView {
        is_published: dataset.pipeline_id.is_some_and(|id| published.contains(&id)),
        external: standing.remove(&dataset.id),
        figures: figures.remove(&dataset.id).unwrap_or_default(),
        tags: tags.remove(&dataset.id.0).unwrap_or_default(),
        fields: fields.remove(&dataset.id).unwrap_or_default(),
        author_name: people.get(&dataset.created_by).map(|account| account.name.clone()),
        embedding_available: None,
        members: members.remove(&dataset.id).unwrap_or_default(),
        dataset,
    };
    Ok(datasets.into_iter().map(view).collect())
}

/// One with what is shown beside it.
///
/// # Errors
/// As [`find`].
#[boxed]
pub async fn view(services: &Services, principal: &Principal, id: DatasetId) -> Result<DatasetView> {
    let dataset = find(services, principal, id).await?;
    let is_available = is_embedding_available(services, &dataset).await;
    let view = view_of(services, dataset).await?;
    Ok(DatasetView { embedding_available: Some(is_available), ..view })
}

async fn view_of(services: &Services, dataset: Dataset) -> Result<DatasetView> {
    let tenant = dataset.tenant_id;
    views(services, tenant, vec![dataset]).await?.pop().ok_or_else(missing)
}

/// The embedding model of a knowledge base that has one.
#[must_use]
pub fn embedding_model(dataset: &Dataset) -> Option<ModelRef> {
    if dataset.indexing_technique.as_deref() != Some("high_quality") {
        return None;
    }
    let provider = dataset.embedding_model_provider.as_deref().filter(|name| !name.is_empty())?;
    let name = dataset.embedding_model.as_deref().filter(|name| !name.is_empty())?;
    Some(ModelRef::chat(provider, name))
}

async fn is_embedding_available(services: &Services, dataset: &Dataset) -> bool {
    match embedding_model(dataset) {
        None => true,
        Some(model) => can_embed(services, dataset.tenant_id, &model).await,
    }
}

async fn can_embed(services: &Services, tenant: TenantId, model: &ModelRef) -> bool {
    let scope = ModelScope::of(tenant);
    services.models.describe(&scope, model, ModelKind::TextEmbedding).await.is_some()
}

/// The embedding model that is given, or the workspace's.
pub(crate) async fn chosen_model(
    services: &Services,
    tenant: TenantId,
    indexing: &Indexing,
) -> Result<(String, String)> {
    let none = || {
        Error::new(
            400,
            "provider_not_initialize",
            "No Embedding Model available. Please configure a valid provider in the Settings -> Model Provider.",
        )
    };
    let given = indexing.embedding_model.clone().zip(indexing.embedding_model_provider.clone());
    let model = match given {
        Some((name, provider)) => ModelRef::chat(provider, name),
        None => providers::default_model(services, tenant, ModelKind::TextEmbedding).await?.ok_or_else(none)?,
    };
    if !can_embed(services, tenant, &model).await {
        return Err(none());
    }
    Ok((model.provider, model.name))
}

/// Takes up the embedding model that is given, or the workspace's, and whether it sees pictures.
async fn take_model(services: &Services, dataset: &mut Dataset, indexing: &Indexing) -> Result<()> {
    let (provider, name) = chosen_model(services, dataset.tenant_id, indexing).await?;
    let model = ModelRef::chat(provider, name);
    dataset.is_multimodal = pictures::sees(&*services.models, dataset.tenant_id, &model).await;
    dataset.embedding_model_provider = Some(model.provider);
    dataset.embedding_model = Some(model.name);
    Ok(())
}

/// Takes up how a knowledge base is indexed, where it is given and not fixed yet.
///
/// # Errors
/// 400 for a value that is none, and where there is no embedding model.
pub(crate) async fn take_indexing(services: &Services, dataset: &mut Dataset, indexing: &Indexing) -> Result<()> {
    if let Some(technique) = indexing.technique.as_deref().filter(|technique| !technique.is_empty()) {
        let technique = checked_technique(technique)?;
        if dataset.indexing_technique.is_none() && technique == "high_quality" {
            take_model(services, dataset, indexing).await?;
        }
        if dataset.indexing_technique.is_none() {
            dataset.indexing_technique = Some(technique);
        }
    }
    if let Some(json) = indexing.retrieval_model.clone().filter(|json| !json.is_null()) {
        dataset.retrieval_model = Some(checked_retrieval(json)?);
    }
    Ok(())
}

/// A knowledge base that is not stored yet.
pub(crate) fn blank(principal: &Principal, name: String) -> Result<Dataset> {
    let (account, at) = (principal.account_id()?, now());
    Ok(Dataset {
        id: DatasetId::new(),
        tenant_id: principal.tenant_id(),
        name,
        description: Some(String::new()),
        provider: "vendor".into(),
        permission: "only_me".into(),
        data_source_type: None,
        indexing_technique: None,
        index_struct: None,
        embedding_model: None,
        embedding_model_provider: None,
        keyword_number: 10,
        retrieval_model: None,
        summary_index_setting: None,
        built_in_field_enabled: false,
        icon_info: None,
        runtime_mode: "general".into(),
        pipeline_id: None,
        chunk_structure: None,
        enable_api: true,
        is_multimodal: false,
        has_attachments: false,
        created_by: account,
        updated_by: Some(account),
        created_at: at,
        updated_at: at,
    })
}

pub(crate) fn name_taken(error: ox_db::Error) -> Error {
    match error {
        ox_db::Error::Conflict(_) => Error::conflict(
            "dataset_name_duplicate",
            "The dataset name already exists. Please modify your dataset name.",
        ),
        other => other.into(),
    }
}

/// A new, empty knowledge base.
///
/// # Errors
/// 409 when the workspace has one of that name, 400 for a value that is none.
#[boxed]
pub async fn create(services: &Services, principal: &Principal, new: NewDataset) -> Result<DatasetView> {
    principal.require(Permission::DatasetEdit)?;
    let mut dataset = blank(principal, checked_name(&new.name)?)?;
    dataset.description = Some(checked_description(new.description.as_deref().unwrap_or_default())?);
    if let Some(permission) = &new.permission {
        dataset.permission = checked_permission(permission)?;
    }
    dataset.summary_index_setting = summaries::given(new.summary_index_setting)?;
    take_indexing(services, &mut dataset, &new.indexing).await?;
    let tx = services.db.begin().await?;
    repo::datasets::insert(&tx, dataset.clone()).await.map_err(name_taken)?;
    tx.commit().await?;
    let told = json!({"name": dataset.name});
    audit::record(services, principal, "dataset.create", "dataset", dataset.id.0, None, Some(told)).await;
    view_of(services, dataset).await
}

/// Changes settings.
///
/// # Errors
/// 400 for a value that is none or cannot be changed.
#[boxed]
pub async fn update(
    services: &Arc<Services>,
    principal: &Principal,
    id: DatasetId,
    change: DatasetChange,
) -> Result<DatasetView> {
    let old = find_to_edit(services, principal, id).await?;
    let mut dataset = old.clone();
    if let Some(name) = &change.name {
        dataset.name = checked_name(name)?;
    }
    if let Some(text) = &change.description {
        dataset.description = Some(checked_description(text)?);
    }
    let members = permission_change(services, principal, &mut dataset, &change).await?;
    dataset.summary_index_setting =
        summaries::given(change.summary_index_setting.clone())?.or(dataset.summary_index_setting);
    dataset.icon_info = change.icon_info.clone().or(dataset.icon_info);
    let anew = change_indexing(services, &mut dataset, &change.indexing).await?;
    dataset.updated_by = Some(principal.account_id()?);
    dataset.updated_at = now();
    let tx = services.db.begin().await?;
    let stored = if anew.is_some() {
        // Until the new vectors are there, it is searched as before.
        Dataset {
            indexing_technique: old.indexing_technique.clone(),
            embedding_model: old.embedding_model.clone(),
            embedding_model_provider: old.embedding_model_provider.clone(),
            is_multimodal: old.is_multimodal,
            ..dataset.clone()
        }
    } else {
        dataset.clone()
    };
    repo::datasets::update(&tx, stored.clone()).await.map_err(|error| match error {
        ox_db::Error::Conflict(_) => Error::invalid("Dataset name already exists"),
        other => other.into(),
    })?;
    if let Some(members) = members {
        repo::datasets::set_members(&tx, dataset.tenant_id, id, &members).await?;
    }
    if let Some(model) = &anew {
        super::reembed::note(&tx, &dataset, model).await?;
    }
    summaries::follow(&tx, &old, &dataset).await?;
    tx.commit().await?;
    services.knowledge.wake_summaries();
    if anew.is_some() {
        super::reembed::start(services, id);
    }
    let told = |dataset: &Dataset| {
        Some(json!({"name": dataset.name, "permission": dataset.permission,
            "indexing_technique": dataset.indexing_technique, "embedding_model": dataset.embedding_model}))
    };
    audit::record(services, principal, "dataset.update", "dataset", id.0, told(&old), told(&dataset)).await;
    view_of(services, dataset).await
}

/// Takes up who may see it; the members that are to be stored, if they are.
async fn permission_change(
    services: &Services,
    principal: &Principal,
    dataset: &mut Dataset,
    change: &DatasetChange,
) -> Result<Option<Vec<AccountId>>> {
    let Some(permission) = &change.permission else {
        return Ok(change.members.clone().filter(|_| dataset.permission == "partial_members"));
    };
    let permission = checked_permission(permission)?;
    let is_operator = role_of(principal) == Some(Role::DatasetOperator);
    if is_operator && permission != dataset.permission {
        return Err(Error::forbidden("Dataset operators cannot change the dataset permissions."));
    }
    dataset.permission = permission;
    if dataset.permission != "partial_members" {
        return Ok(Some(Vec::new()));
    }
    let before = repo::datasets::members(&services.db, dataset.id).await?;
    let Some(members) = &change.members else {
        return if before.is_empty() {
            Err(Error::invalid("Partial member list is required when setting to partial members."))
        } else {
            Ok(None)
        };
    };
    let known: Vec<AccountId> = repo::tenants::members(&services.db, dataset.tenant_id)
        .await?
        .into_iter()
        .map(|(_, account)| account.id)
        .collect();
    let members: Vec<AccountId> = members.iter().copied().filter(|id| known.contains(id)).collect();
    let (mut sorted, mut sorted_before) = (members.clone(), before);
    sorted.sort_unstable();
    sorted_before.sort_unstable();
    if is_operator && sorted != sorted_before {
        return Err(Error::forbidden("Dataset operators cannot change the dataset permissions."));
    }
    Ok(Some(members))
}

/// Takes up technique and model; the model with which everything is to be embedded anew, if it is.
async fn change_indexing(services: &Services, dataset: &mut Dataset, indexing: &Indexing) -> Result<Option<ModelRef>> {
    let technique = indexing.technique.as_deref().filter(|technique| !technique.is_empty());
    let now_is = dataset.indexing_technique.clone();
    if let Some(technique) = technique {
        checked_technique(technique)?;
        if now_is.as_deref() == Some("high_quality") && technique == "economy" {
            let text = "Knowledge base indexing technique is not allowed to be updated to economy.";
            return Err(Error::invalid(text));
        }
    }
    let wanted = technique.map(str::to_owned).or(now_is.clone());
    let names = |dataset: &Dataset| (dataset.embedding_model_provider.clone(), dataset.embedding_model.clone());
    let before = names(dataset);
    take_indexing(services, dataset, indexing).await?;
    let becomes_vectors = now_is.as_deref() == Some("economy") && wanted.as_deref() == Some("high_quality");
    let is_given = indexing.embedding_model.is_some() && indexing.embedding_model_provider.is_some();
    if wanted.as_deref() == Some("high_quality") && (becomes_vectors || is_given) {
        let is_same = before == (indexing.embedding_model_provider.clone(), indexing.embedding_model.clone());
        if becomes_vectors || !is_same {
            dataset.indexing_technique = Some("high_quality".into());
            take_model(services, dataset, indexing).await?;
        }
    }
    let figures = repo::datasets::figures(&services.db, &[dataset.id]).await?;
    let has_documents = figures.get(&dataset.id).is_some_and(|figures| figures.documents > 0);
    Ok(embedding_model(dataset).filter(|_| has_documents && names(dataset) != before))
}

/// Deletes one with everything in it.
///
/// # Errors
/// 409 when an app uses it.
#[boxed]
pub async fn delete(services: &Arc<Services>, principal: &Principal, id: DatasetId) -> Result<()> {
    let dataset = find_to_edit(services, principal, id).await?;
    if is_used(services, &dataset).await? {
        let text =
            "The dataset is being used by some apps. Please remove the dataset from the apps before deleting it.";
        return Err(Error::conflict("dataset_in_use", text));
    }
    let tx = services.db.begin().await?;
    repo::datasets::delete(&tx, dataset.tenant_id, id).await?;
    repo::api_tokens::delete_of_dataset(&tx, id, None).await?;
    let pipeline = dataset.pipeline_id.map(AppId);
    if let Some(pipeline) = pipeline {
        repo::pipelines::delete(&tx, dataset.tenant_id, pipeline).await?;
    }
    tx.commit().await?;
    super::removal::start(services, Gone::Dataset(id));
    if let Some(pipeline) = pipeline {
        services.forget_app(pipeline).await;
        crate::apps::remove_rest(services, pipeline);
    }
    audit::record(services, principal, "dataset.delete", "dataset", id.0, Some(json!({"name": dataset.name})), None)
        .await;
    Ok(())
}

async fn is_used(services: &Services, dataset: &Dataset) -> Result<bool> {
    Ok(!repo::datasets::apps(&services.db, dataset.tenant_id, dataset.id).await?.is_empty())
}

/// Whether an app uses it.
///
/// # Errors
/// As [`find`].
#[boxed]
pub async fn use_check(services: &Services, principal: &Principal, id: DatasetId) -> Result<bool> {
    is_used(services, &find(services, principal, id).await?).await
}

/// The apps that use it.
///
/// # Errors
/// As [`find`].
#[boxed]
pub async fn related_apps(services: &Services, principal: &Principal, id: DatasetId) -> Result<Vec<App>> {
    let dataset = find(services, principal, id).await?;
    Ok(repo::datasets::apps(&services.db, dataset.tenant_id, id).await?)
}

/// Who was let in.
///
/// # Errors
/// As [`find`].
#[boxed]
pub async fn members(services: &Services, principal: &Principal, id: DatasetId) -> Result<Vec<AccountId>> {
    find(services, principal, id).await?;
    Ok(repo::datasets::members(&services.db, id).await?)
}

/// Lets keys reach it, or not.
///
/// # Errors
/// As [`find_to_edit`].
#[boxed]
pub async fn set_api(services: &Services, principal: &Principal, id: DatasetId, enabled: bool) -> Result<()> {
    let mut dataset = find_to_edit(services, principal, id).await?;
    dataset.enable_api = enabled;
    dataset.updated_at = now();
    let tx = services.db.begin().await?;
    repo::datasets::update(&tx, dataset).await?;
    Ok(tx.commit().await?)
}

/// The labels of one.
///
/// # Errors
/// As [`find`].
#[boxed]
pub async fn tags(services: &Services, principal: &Principal, id: DatasetId) -> Result<Vec<Tag>> {
    find(services, principal, id).await?;
    let mut found = repo::tags::of_targets(&services.db, principal.tenant_id(), &[id.0]).await?;
    Ok(found.remove(&id.0).unwrap_or_default())
}
