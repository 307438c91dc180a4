//! Pipelines as files: import, export.

use ox_db::{
    model::{Dataset, Pipeline, Workflow},
    now, repo,
};
use ox_dsl::{
    dependencies,
    document::{AppInfo, PIPELINE_VERSION, PipelineBody, PipelineDocument, PipelineExport},
    variables::{self, Scope},
    version::ImportStatus,
};
use ox_types::{AppId, DatasetId, Json, WorkflowId, boxed, new_uuid};
use serde::{Deserialize, Serialize};
use serde_json::{Map, json};
use uuid::Uuid;

use super::{NewPipeline, datasources, find, graph, inputs};
use crate::{
    Error, Principal, Result, Services, audit,
    imports::{self, pending},
    knowledge::datasets,
    principal::Permission,
    tools::permissions,
    workflows::{self, Owner, PIPELINE_MODE},
};

/// A file to import.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct ImportRequest {
    pub yaml_content: String,
    /// Overwrites the draft of this pipeline.
    pub pipeline_id: Option<AppId>,
}

/// What became of an import.
#[derive(Clone, Debug)]
pub struct ImportResult {
    pub id: Uuid,
    pub status: ImportStatus,
    pub pipeline_id: Option<AppId>,
    pub dataset_id: Option<DatasetId>,
    pub imported_dsl_version: String,
    pub error: String,
}

impl ImportResult {
    /// An import that did not work, with the reason.
    pub fn failed(text: impl Into<String>) -> Self {
        Self {
            id: new_uuid(),
            status: ImportStatus::Failed,
            pipeline_id: None,
            dataset_id: None,
            imported_dsl_version: String::new(),
            error: text.into(),
        }
    }

    /// The format version this installation writes.
    #[must_use]
    pub const fn current_version() -> &'static str {
        PIPELINE_VERSION
    }
}

/// Imports a file: makes a knowledge base with its pipeline, or overwrites the draft of one.
///
/// # Errors
/// 403 for a role that may not. What is wrong with the file is told in the result.
#[boxed]
pub async fn import(services: &Services, principal: &Principal, request: ImportRequest) -> Result<ImportResult> {
    principal.require(Permission::DatasetEdit)?;
    let document = match PipelineDocument::parse(&request.yaml_content) {
        Ok(document) => document,
        Err(error) => return Ok(ImportResult::failed(error.to_string())),
    };
    if document.status == ImportStatus::Pending {
        let id = pending::keep(services, principal, pending::Kind::Pipeline, &request).await?;
        return Ok(ImportResult {
            id,
            status: ImportStatus::Pending,
            pipeline_id: request.pipeline_id,
            dataset_id: None,
            imported_dsl_version: document.version,
            error: String::new(),
        });
    }
    let status = document.status;
    apply(services, principal, request.pipeline_id, &document, status).await
}

/// Goes on with a file whose version asked for a confirmation.
///
/// # Errors
/// As [`import`].
#[boxed]
pub async fn confirm(services: &Services, principal: &Principal, id: Uuid) -> Result<ImportResult> {
    principal.require(Permission::DatasetEdit)?;
    let kept = pending::take::<ImportRequest>(services, principal, pending::Kind::Pipeline, id).await?;
    let Some(request) = kept else {
        return Ok(ImportResult::failed("Import information expired or does not exist"));
    };
    match PipelineDocument::parse(&request.yaml_content) {
        Ok(document) => apply(services, principal, request.pipeline_id, &document, ImportStatus::Completed).await,
        Err(error) => Ok(ImportResult::failed(error.to_string())),
    }
}

async fn apply(
    services: &Services,
    principal: &Principal,
    id: Option<AppId>,
    document: &PipelineDocument,
    status: ImportStatus,
) -> Result<ImportResult> {
    let done = match id {
        Some(id) => overwrite(services, principal, id, document).await,
        None => create(services, principal, document).await,
    };
    let version = document.version.clone();
    match done {
        Ok((pipeline, dataset)) => Ok(ImportResult {
            id: new_uuid(),
            status,
            pipeline_id: Some(pipeline),
            dataset_id: Some(dataset),
            imported_dsl_version: version,
            error: String::new(),
        }),
        Err(error) if error.status < 500 => {
            Ok(ImportResult { imported_dsl_version: version, ..ImportResult::failed(error.message) })
        }
        Err(error) => Err(error),
    }
}

fn body_of(document: &PipelineDocument) -> Result<PipelineBody> {
    let body = document.body().map_err(|error| Error::invalid(error.to_string()))?;
    workflows::check_graph(&body.graph)?;
    inputs::check(&body.rag_pipeline_variables)?;
    Ok(body)
}

async fn create(services: &Services, principal: &Principal, document: &PipelineDocument) -> Result<(AppId, DatasetId)> {
    let body = body_of(document)?;
    let info = &document.info;
    let icon = json!({"icon_type": info.icon_type, "icon": if info.icon.is_empty() { "📙" } else { &info.icon },
        "icon_background": info.icon_background, "icon_url": info.extra.get("icon_url")});
    let new = NewPipeline { name: info.name.clone(), description: info.description.clone(), icon: Some(icon) };
    let (pipeline, dataset) = super::rows(services, principal, new).await?;
    let structure = graph::index_settings(&body.graph).map(|settings| settings.chunk_structure);
    let dataset = Dataset { chunk_structure: structure.filter(|text| !text.is_empty()), ..dataset };
    let draft = draft_of(services, principal, &pipeline, body, None).await?;
    let (id, dataset_id) = (pipeline.id, dataset.id);
    let told = json!({"name": pipeline.name, "pipeline_id": id});
    let tx = services.db.begin().await?;
    repo::pipelines::insert(&tx, pipeline).await?;
    repo::datasets::insert(&tx, dataset).await.map_err(datasets::name_taken)?;
    repo::workflows::insert(&tx, &draft).await?;
    tx.commit().await?;
    audit::record(services, principal, "dataset.create", "dataset", dataset_id.0, None, Some(told)).await;
    Ok((id, dataset_id))
}

async fn overwrite(
    services: &Services,
    principal: &Principal,
    id: AppId,
    document: &PipelineDocument,
) -> Result<(AppId, DatasetId)> {
    principal.require(Permission::AppEdit)?;
    let found = find(services, principal, id).await;
    let (pipeline, dataset) = found.map_err(|error| match error.status {
        404 => Error::invalid("Pipeline not found"),
        _ => error,
    })?;
    let stored = repo::workflows::draft(&services.db, pipeline.tenant_id, id).await?;
    let draft = draft_of(services, principal, &pipeline, body_of(document)?, stored.as_ref()).await?;
    let tx = services.db.begin().await?;
    match stored {
        Some(_) => repo::workflows::update_draft(&tx, &draft).await?,
        None => repo::workflows::insert(&tx, &draft).await?,
    }
    repo::draft_variables::delete_all(&tx, id, None).await?;
    tx.commit().await?;
    Ok((id, dataset.id))
}

/// The draft that a file makes; secrets are encrypted on the way in.
pub(super) async fn draft_of(
    services: &Services,
    principal: &Principal,
    pipeline: &Pipeline,
    body: PipelineBody,
    stored: Option<&Workflow>,
) -> Result<Workflow> {
    permissions::require_added(services, principal, &super::as_app(pipeline), &body.graph).await?;
    let plain = variables::write(&body.environment_variables, Scope::Environment, variables::Secrets::Plain);
    let items = plain.as_array().cloned().unwrap_or_default();
    let environment = workflows::variables::seal_environment(services, pipeline.tenant_id, items, None).await?;
    let (account, time) = (principal.account_id()?, now());
    Ok(Workflow {
        id: stored.map_or_else(WorkflowId::new, |draft| draft.id),
        tenant_id: pipeline.tenant_id,
        app_id: pipeline.id,
        kind: PIPELINE_MODE.into(),
        version: repo::workflows::DRAFT.into(),
        marked_name: String::new(),
        marked_comment: String::new(),
        graph: body.graph,
        features: json!({}),
        environment_variables: environment,
        conversation_variables: json!([]),
        rag_pipeline_variables: Json::Array(body.rag_pipeline_variables),
        created_by: stored.map_or(account, |draft| draft.created_by),
        created_at: stored.map_or(time, |draft| draft.created_at),
        updated_by: Some(account),
        updated_at: time,
    })
}

/// Plugins that a graph needs and this installation does not have.
fn lacking(services: &Services, graph: &Json) -> Vec<Json> {
    let is_tool = |plugin: &str| {
        let name = plugin.rsplit('/').next().unwrap_or_default();
        ox_tools::builtin::find(&format!("{plugin}/{name}")).is_some()
    };
    let is_here =
        |plugin: &str| imports::is_native(services, plugin) || datasources::is_here(plugin) || is_tool(plugin);
    dependencies::of_graph(graph)
        .iter()
        .filter(|plugin| !is_here(plugin))
        .map(|plugin| imports::dependency(plugin))
        .collect()
}

/// Plugins the draft needs and this installation does not have.
///
/// # Errors
/// As [`find`].
#[boxed]
pub async fn missing_dependencies(services: &Services, principal: &Principal, id: AppId) -> Result<Vec<Json>> {
    let (pipeline, _) = find(services, principal, id).await?;
    let draft = repo::workflows::draft(&services.db, pipeline.tenant_id, id).await?;
    Ok(draft.map(|draft| lacking(services, &draft.graph)).unwrap_or_default())
}

/// The draft of a pipeline as a YAML file.
///
/// # Errors
/// 404 when there is none.
#[boxed]
pub async fn export(services: &Services, principal: &Principal, id: AppId, include_secret: bool) -> Result<String> {
    principal.require(Permission::AppEdit)?;
    let (pipeline, dataset) = find(services, principal, id).await?;
    if include_secret {
        audit::record(services, principal, "pipeline.export.secrets", "pipeline", id.0, None, None).await;
    }
    let draft = workflows::draft(services, principal, Owner::Pipeline(id)).await?;
    let icon = dataset.icon_info.clone().unwrap_or_else(super::usual_icon);
    let text = |name: &str| icon.get(name).and_then(Json::as_str).unwrap_or_default().to_owned();
    let info = AppInfo {
        name: dataset.name.clone(),
        description: dataset.description.clone().unwrap_or_default(),
        icon_type: text("icon_type"),
        icon: text("icon"),
        icon_background: text("icon_background"),
        use_icon_as_answer_icon: false,
        extra: Map::new(),
    };
    let plain = workflows::environment_for_run(services, pipeline.tenant_id, &draft.environment_variables).await?;
    let environment_variables = variables::parse(Some(&Json::Array(plain)), Scope::Environment)
        .map_err(|error| Error::invalid(error.to_string()))?;
    let dependencies = lacking(services, &draft.graph);
    let body = PipelineBody {
        graph: draft.graph,
        environment_variables,
        rag_pipeline_variables: draft.rag_pipeline_variables.as_array().cloned().unwrap_or_default(),
    };
    let file = PipelineExport { info: &info, body: &body, dependencies: &dependencies, include_secret };
    file.to_yaml().map_err(|error| Error::internal(error.to_string()))
}
