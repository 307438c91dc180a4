//! A workflow version made ready to run, with everything a run takes from it.

use std::sync::Arc;

use ox_db::{
    model::{Workflow, WorkflowRun},
    repo,
};
use ox_dsl::{
    features::Features,
    graph::Graph,
    variables::{self, Scope, Variable},
};
use ox_types::{AppId, Json, Value, WorkflowId, boxed};
use uuid::Uuid;

use super::{inputs::InputForm, published::PublishedApp};
use crate::{Error, Result, Services};

/// A workflow version, compiled once.
pub struct CompiledWorkflow {
    pub id: WorkflowId,
    pub app_id: AppId,
    pub version: String,
    /// `workflow` or `chat`.
    pub kind: String,
    /// The graph, or why it cannot be run.
    pub engine: Result<Arc<ox_engine::Workflow>, String>,
    /// Node under whose id the user's inputs stand.
    pub root: String,
    pub form: InputForm,
    pub features: Features,
    /// As stored, for `/parameters`.
    pub features_json: Json,
    pub environment: Vec<(String, Value)>,
    pub conversation_variables: Vec<Variable>,
    /// What a pipeline asks its users, as it is stored.
    pub rag_pipeline_variables: Json,
    /// The graph as text where the version may change (drafts): the run keeps it.
    pub graph_text: Option<String>,
}

impl std::fmt::Debug for CompiledWorkflow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CompiledWorkflow").field("id", &self.id).field("version", &self.version).finish_non_exhaustive()
    }
}

/// Compiles a version.
///
/// # Errors
/// When its variables cannot be read. A graph that cannot be run is not an error here.
#[boxed]
pub async fn compile(services: &Services, row: &Workflow) -> Result<CompiledWorkflow> {
    let environment =
        crate::workflows::environment_for_run(services, row.tenant_id, &row.environment_variables).await?;
    let environment = variables::parse(Some(&Json::Array(environment)), Scope::Environment)
        .map_err(|error| Error::invalid(error.to_string()))?;
    let conversation_variables = variables::parse(Some(&row.conversation_variables), Scope::Conversation)
        .map_err(|error| Error::invalid(error.to_string()))?;
    let graph = Graph::parse(&row.graph);
    let root = graph.as_ref().ok().and_then(|graph| {
        let index = graph.root(None).ok()?;
        graph.nodes.get(index).cloned()
    });
    let engine = graph.map_err(|error| error.to_string()).and_then(|graph| {
        ox_engine::Workflow::compile(Arc::new(graph), services.nodes.as_ref()).map_err(|error| error.to_string())
    });
    let is_draft = row.version == repo::workflows::DRAFT;
    Ok(CompiledWorkflow {
        id: row.id,
        app_id: row.app_id,
        version: row.version.clone(),
        kind: row.kind.clone(),
        engine,
        form: InputForm::of_start(root.as_deref()),
        root: root.map(|node| node.id.clone()).unwrap_or_default(),
        features: Features::read(&row.features),
        features_json: row.features.clone(),
        environment: environment.into_iter().map(|variable| (variable.name, variable.value)).collect(),
        conversation_variables,
        rag_pipeline_variables: row.rag_pipeline_variables.clone(),
        graph_text: is_draft.then(|| row.graph.to_string()),
    })
}

/// The version that a call without a `workflow_id` runs.
///
/// # Errors
/// 400 when the app was never published.
#[boxed]
pub async fn live_version(services: &Services, app: &PublishedApp) -> Result<Arc<CompiledWorkflow>> {
    let id = app.app.workflow_id.ok_or_else(|| Error::invalid("Workflow not published"))?;
    by_id(services, app, id).await?.ok_or_else(|| Error::invalid("Workflow not published"))
}

/// The version that a caller asks for by id.
///
/// # Errors
/// 400 for a text that is no id and for the draft, 404 for an unknown version.
#[boxed]
pub async fn asked_version(services: &Services, app: &PublishedApp, text: &str) -> Result<Arc<CompiledWorkflow>> {
    let id: Uuid = text.parse().map_err(|_| Error::bad_request(format!("Invalid workflow_id format: '{text}'. ")))?;
    let found = by_id(services, app, WorkflowId(id)).await?;
    let found = found.ok_or_else(|| Error::not_found(format!("Workflow not found with id: {id}")))?;
    if found.version == repo::workflows::DRAFT {
        return Err(Error::bad_request(format!(
            "Cannot use draft workflow version. Workflow ID: {id}. Please use a published workflow version or leave \
             workflow_id empty."
        )));
    }
    Ok(found)
}

pub(super) async fn by_id(
    services: &Services,
    app: &PublishedApp,
    id: WorkflowId,
) -> Result<Option<Arc<CompiledWorkflow>>> {
    let cache = &services.runs.published.compiled;
    if let Some(compiled) = cache.get(&id.0).await {
        // Cached for all apps: another app's version is as unknown as none.
        return Ok(Some(compiled).filter(|compiled| compiled.app_id == app.app.id));
    }
    let row = repo::workflows::find(&services.db, app.app.tenant_id, app.app.id, id).await?;
    let Some(row) = row else { return Ok(None) };
    let compiled = Arc::new(compile(services, &row).await?);
    if row.version != repo::workflows::DRAFT {
        cache.insert(id.0, Arc::clone(&compiled)).await;
    }
    Ok(Some(compiled))
}

/// The version a recorded run was started with: the stored graph of a draft run, else the version itself.
///
/// # Errors
/// When it is gone or cannot be read.
#[boxed]
pub async fn of_run(services: &Services, run: &WorkflowRun) -> Result<Option<Arc<CompiledWorkflow>>> {
    let row = repo::workflows::find(&services.db, run.tenant_id, run.app_id, run.workflow_id).await?;
    let Some(mut row) = row else { return Ok(None) };
    if let Some(graph) = &run.graph {
        row.graph = serde_json::from_str(graph).map_err(Error::internal)?;
    }
    Ok(Some(Arc::new(compile(services, &row).await?)))
}
