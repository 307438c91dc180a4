//! Knowledge pipelines: the graphs by which knowledge bases turn what comes from a datasource into chunks.
//!
//! A pipeline's versions are rows of `workflows` under its id, its runs are those of a workflow, and its drafts are
//! edited by the use cases of apps (`workflows::Owner`). A document of a pipeline is worked on under the lease that every
//! document has (`knowledge::pipeline`): there its graph runs in place of reading and splitting, and its last node hands
//! the chunks to the one who holds the lease.

pub mod chunks;
pub mod datasources;
pub(crate) mod graph;
pub mod inputs;
pub mod items;
pub(crate) mod port;
pub mod running;
pub mod templates;
pub mod transfer;
pub mod transform;

use std::sync::Arc;

use ox_db::{
    model::{App, Dataset, Pipeline, Workflow},
    now, repo,
};
use ox_types::{AppId, DatasetId, Json, boxed};
use serde_json::json;

use crate::{
    Error, Principal, Result, Services, audit,
    knowledge::datasets::{self, DatasetChange, DatasetView, Indexing},
    principal::Permission,
    workflows::{self, Owner, PIPELINE_MODE},
};

/// Characters of a knowledge base's name.
const MAX_NAME: usize = 40;

fn missing() -> Error {
    Error::not_found("Pipeline not found")
}

/// A pipeline with the knowledge base it fills, for somebody who may see that.
///
/// # Errors
/// 404 when the workspace has none, 403 when the knowledge base is not for this member.
#[boxed]
pub async fn find(services: &Services, principal: &Principal, id: AppId) -> Result<(Pipeline, Dataset)> {
    let tenant = principal.tenant_id();
    let pipeline = repo::pipelines::find(&services.db, tenant, id).await?.ok_or_else(missing)?;
    let dataset = repo::pipelines::dataset(&services.db, tenant, id).await?.ok_or_else(missing)?;
    datasets::require_sight(services, principal, &dataset).await?;
    Ok((pipeline, dataset))
}

/// The pipeline of a knowledge base.
///
/// # Errors
/// As for the knowledge base; 400 when it has none.
#[boxed]
pub async fn of_dataset(services: &Services, principal: &Principal, id: DatasetId) -> Result<Pipeline> {
    let dataset = datasets::find(services, principal, id).await?;
    let none = || Error::invalid("Pipeline not found");
    let id = dataset.pipeline_id.map(AppId).ok_or_else(none)?;
    repo::pipelines::find(&services.db, dataset.tenant_id, id).await?.ok_or_else(none)
}

/// A pipeline as what its drafts and runs belong to.
#[must_use]
pub fn as_app(pipeline: &Pipeline) -> App {
    App {
        id: pipeline.id,
        tenant_id: pipeline.tenant_id,
        name: pipeline.name.clone(),
        description: pipeline.description.clone(),
        mode: PIPELINE_MODE.into(),
        icon_type: None,
        icon: None,
        icon_background: None,
        app_model_config_id: None,
        workflow_id: pipeline.workflow_id,
        status: "normal".into(),
        enable_site: false,
        enable_api: false,
        api_rpm: 0,
        api_rph: 0,
        is_demo: false,
        is_public: false,
        is_universal: false,
        tracing: None,
        max_active_requests: None,
        use_icon_as_answer_icon: false,
        created_by: Some(pipeline.created_by),
        created_at: pipeline.created_at,
        updated_by: None,
        updated_at: pipeline.updated_at,
    }
}

/// What a new pipeline and its knowledge base are called.
#[derive(Clone, Debug, Default)]
pub struct NewPipeline {
    pub name: String,
    pub description: String,
    /// `{icon_type, icon, icon_background, icon_url}`
    pub icon: Option<Json>,
}

/// The picture of a knowledge base that was given none.
#[must_use]
pub fn usual_icon() -> Json {
    json!({"icon_type": "emoji", "icon": "📙", "icon_background": "#FFF4ED", "icon_url": null})
}

/// The first free one of `name`, `name 2`, …
async fn free_name(services: &Services, principal: &Principal, name: &str) -> Result<String> {
    let stem = Some(name.trim()).filter(|name| !name.is_empty()).unwrap_or("Untitled");
    let mut number = 1_u32;
    loop {
        let end = if number == 1 { String::new() } else { format!(" {number}") };
        let kept = MAX_NAME.saturating_sub(end.chars().count());
        let candidate = format!("{}{end}", stem.chars().take(kept).collect::<String>().trim_end());
        if !repo::datasets::is_named(&services.db, principal.tenant_id(), &candidate).await? {
            return Ok(candidate);
        }
        number = number.saturating_add(1);
    }
}

/// The rows of a knowledge base with a pipeline that has no draft yet.
async fn rows(services: &Services, principal: &Principal, new: NewPipeline) -> Result<(Pipeline, Dataset)> {
    let name = free_name(services, principal, &new.name).await?;
    let at = now();
    let pipeline = Pipeline {
        id: AppId::new(),
        tenant_id: principal.tenant_id(),
        name: name.clone(),
        description: new.description.clone(),
        is_published: false,
        created_by: principal.account_id()?,
        created_at: at,
        updated_at: at,
        workflow_id: None,
    };
    let dataset = Dataset {
        description: Some(new.description.chars().take(400).collect()),
        runtime_mode: "rag_pipeline".into(),
        pipeline_id: Some(pipeline.id.0),
        icon_info: Some(new.icon.unwrap_or_else(usual_icon)),
        ..datasets::blank(principal, name)?
    };
    Ok((pipeline, dataset))
}

/// A new knowledge base whose pipeline is still to be drawn.
///
/// # Errors
/// 403 for a role that may not.
#[boxed]
pub async fn create_empty(services: &Services, principal: &Principal) -> Result<DatasetView> {
    principal.require(Permission::DatasetEdit)?;
    let (pipeline, dataset) = rows(services, principal, NewPipeline::default()).await?;
    let id = dataset.id;
    let tx = services.db.begin().await?;
    repo::pipelines::insert(&tx, pipeline.clone()).await?;
    repo::datasets::insert(&tx, dataset).await.map_err(datasets::name_taken)?;
    tx.commit().await?;
    let told = json!({"name": pipeline.name, "pipeline_id": pipeline.id});
    audit::record(services, principal, "dataset.create", "dataset", id.0, None, Some(told)).await;
    datasets::view(services, principal, id).await
}

/// Makes the draft of a pipeline its live version, and its knowledge base indexed as the last node says.
///
/// # Errors
/// 400 for a draft that cannot go live.
#[boxed]
pub async fn publish(
    services: &Arc<Services>,
    principal: &Principal,
    id: AppId,
    name: Option<String>,
    comment: Option<String>,
) -> Result<Workflow> {
    principal.require(Permission::AppPublish)?;
    workflows::check_labels(name.as_deref(), comment.as_deref())?;
    let (before, dataset) = find(services, principal, id).await?;
    let draft = workflows::draft(services, principal, Owner::Pipeline(id)).await;
    let draft = draft.map_err(|_| Error::invalid("No valid workflow found."))?;
    let settings = graph::check(&draft.graph)?;
    let structure = take_settings(services, principal, &dataset, settings).await?;
    let account = principal.account_id()?;
    let version = workflows::version_of(draft, name, comment, account);
    let dataset = datasets::find(services, principal, dataset.id).await?;
    let (chunk_structure, keyword_number) = structure;
    let dataset = Dataset {
        chunk_structure: Some(chunk_structure),
        keyword_number: keyword_number.unwrap_or(dataset.keyword_number),
        updated_by: Some(account),
        updated_at: version.created_at,
        ..dataset
    };
    let pipeline = Pipeline {
        is_published: true,
        workflow_id: Some(version.id),
        updated_at: version.created_at,
        ..before.clone()
    };
    let tx = services.db.begin().await?;
    repo::workflows::insert(&tx, &version).await?;
    repo::pipelines::update(&tx, pipeline).await?;
    repo::datasets::update(&tx, dataset).await?;
    tx.commit().await?;
    services.forget_app(id).await;
    let change = json!({"workflow_id": version.id, "version": version.version, "name": version.marked_name});
    let was = Some(json!({"workflow_id": before.workflow_id}));
    audit::record(services, principal, "pipeline.publish", "pipeline", id.0, was, Some(change)).await;
    Ok(version)
}

/// Gives the knowledge base the settings of the last node; what is left to store with the version.
async fn take_settings(
    services: &Arc<Services>,
    principal: &Principal,
    dataset: &Dataset,
    settings: graph::IndexSettings,
) -> Result<(String, Option<i32>)> {
    let graph::IndexSettings { chunk_structure, indexing, keyword_number, summary_index_setting } = settings;
    let known = match &dataset.chunk_structure {
        Some(known) => Some(known.clone()),
        None => repo::documents::form(&services.db, dataset.id).await?,
    };
    if known.is_some_and(|known| known != chunk_structure) {
        let first = repo::documents::form(&services.db, dataset.id).await?;
        if first.is_some_and(|form| form != chunk_structure) {
            let text = "The knowledge base has documents of another chunk structure; it cannot be changed any more.";
            return Err(Error::invalid_field("chunk_structure", text));
        }
    }
    let technique = indexing.technique.clone().unwrap_or_else(|| "high_quality".into());
    let indexing = Indexing { technique: Some(technique), ..indexing };
    let change = DatasetChange { indexing, summary_index_setting, ..DatasetChange::default() };
    datasets::update(services, principal, dataset.id, change).await?;
    Ok((chunk_structure, keyword_number))
}
