//! Drafts and published versions of workflow apps.

mod blocks;
pub mod inspector;
mod owner;
pub mod steps;
pub mod truncation;
pub(crate) mod variables;

pub use blocks::block_configs;
pub use owner::{Owner, PIPELINE_MODE, graph_app};
pub use variables::{environment_for_run, masked_environment};

use ox_db::{
    model::{App, Workflow},
    now, repo,
};
use ox_types::{AccountId, AppId, Json, WorkflowId, boxed};
use serde_json::json;

use crate::{
    Error, Principal, Result, Services, audit, knowledge::uses, pipelines, principal::Permission, tools::permissions,
    triggers,
};

/// Modes whose apps have a graph.
pub const GRAPH_MODES: &[&str] = &["workflow", "advanced-chat"];
const MAX_NAME: usize = 20;
const MAX_COMMENT: usize = 100;

/// What an editor sends when it saves.
#[derive(Clone, Debug)]
pub struct DraftChange {
    pub graph: Json,
    pub features: Json,
    /// The hash the editor started from; `None` on the first save.
    pub hash: Option<String>,
    pub environment_variables: Vec<Json>,
    pub conversation_variables: Vec<Json>,
    /// What a pipeline asks its users; `None` leaves it as it is.
    pub rag_pipeline_variables: Option<Vec<Json>>,
}

/// The draft of an app, or 404 `draft_workflow_not_exist`.
#[boxed]
pub async fn draft(services: &Services, principal: &Principal, owner: Owner) -> Result<Workflow> {
    let app = graph_app(services, principal, owner).await?;
    repo::workflows::draft(&services.db, app.tenant_id, app.id)
        .await?
        .ok_or_else(|| Error::new(404, "draft_workflow_not_exist", "Draft workflow need to be initialized."))
}

/// Digest of graph and features by which two editors notice each other.
#[must_use]
pub fn hash(workflow: &Workflow) -> String {
    ox_dsl::hash::draft(&workflow.graph, &workflow.features)
}

/// Saves the draft. The first save creates it; later ones must start from the stored state.
#[boxed]
pub async fn save_draft(
    services: &Services,
    principal: &Principal,
    owner: Owner,
    change: DraftChange,
) -> Result<Workflow> {
    principal.require(Permission::AppEdit)?;
    let id = owner.id();
    let app = graph_app(services, principal, owner).await?;
    check_graph(&change.graph)?;
    if let Some(variables) = &change.rag_pipeline_variables {
        pipelines::inputs::check(variables)?;
    }
    permissions::require_added(services, principal, &app, &change.graph).await?;
    let account = principal.account_id()?;
    // Made before the transaction: there is one writer, and making the key would wait for it.
    services.secrets.tenant_key(&services.db, app.tenant_id).await?;
    // Reading and writing in one transaction: of two editors that save at once, the second is told.
    let tx = services.db.begin().await?;
    let before = repo::workflows::draft(&tx, app.tenant_id, id).await?;
    if let Some(stored) = &before
        && change.hash.as_deref().is_some_and(|sent| sent != hash(stored))
    {
        return Err(Error::new(
            409,
            "draft_workflow_not_sync",
            "Workflow graph might have been modified, please refresh and resubmit.",
        ));
    }
    let old_environment = before.as_ref().map(|draft| draft.environment_variables.clone());
    let environment =
        variables::seal_environment(services, app.tenant_id, change.environment_variables, old_environment.as_ref())
            .await?;
    let conversation = variables::check_conversation(change.conversation_variables)?;
    let time = now();
    let draft = Workflow {
        id: before.as_ref().map_or_else(WorkflowId::new, |draft| draft.id),
        tenant_id: app.tenant_id,
        app_id: id,
        kind: kind_of(&app.mode).into(),
        version: repo::workflows::DRAFT.into(),
        marked_name: String::new(),
        marked_comment: String::new(),
        graph: change.graph,
        features: change.features,
        environment_variables: environment,
        conversation_variables: conversation,
        rag_pipeline_variables: match change.rag_pipeline_variables {
            Some(variables) => Json::Array(variables),
            None => before.as_ref().map_or_else(|| json!([]), |draft| draft.rag_pipeline_variables.clone()),
        },
        created_by: before.as_ref().map_or(account, |draft| draft.created_by),
        created_at: before.as_ref().map_or(time, |draft| draft.created_at),
        updated_by: Some(account),
        updated_at: time,
    };
    match before {
        Some(_) => repo::workflows::update_draft(&tx, &draft).await?,
        None => repo::workflows::insert(&tx, &draft).await?,
    }
    if matches!(owner, Owner::App(_)) {
        triggers::sync_draft(&tx, &draft, account).await?;
    }
    tx.commit().await?;
    Ok(draft)
}

/// The kind of the workflows of an app of this mode.
pub(crate) fn kind_of(mode: &str) -> &'static str {
    match mode {
        "workflow" => "workflow",
        PIPELINE_MODE => PIPELINE_MODE,
        _ => "chat",
    }
}

/// A draft may be unfinished, but it must be a graph.
pub(crate) fn check_graph(graph: &Json) -> Result<()> {
    for list in ["nodes", "edges"] {
        if !graph.get(list).is_some_and(Json::is_array) {
            return Err(Error::invalid_field("graph", format!("graph.{list} must be a list.")));
        }
    }
    Ok(())
}

/// The published version, if there is one.
#[boxed]
pub async fn published(services: &Services, principal: &Principal, owner: Owner) -> Result<Option<Workflow>> {
    let app = graph_app(services, principal, owner).await?;
    let Some(workflow) = app.workflow_id else { return Ok(None) };
    Ok(repo::workflows::find(&services.db, app.tenant_id, app.id, workflow).await?)
}

/// Copies the draft into a new immutable version and makes it the live one.
#[boxed]
pub async fn publish(
    services: &Services,
    principal: &Principal,
    id: AppId,
    name: Option<String>,
    comment: Option<String>,
) -> Result<Workflow> {
    principal.require(Permission::AppPublish)?;
    check_labels(name.as_deref(), comment.as_deref())?;
    let before = graph_app(services, principal, id.into()).await?;
    let draft = draft(services, principal, id.into()).await.map_err(|_| Error::invalid("No valid workflow found."))?;
    check_publishable(&draft)?;
    if before.mode == "advanced-chat" {
        let feature = draft.features.get("sensitive_word_avoidance");
        crate::moderation::check(services, before.tenant_id, feature).await?;
    }
    let account = principal.account_id()?;
    let version = version_of(draft, name, comment, account);
    let time = version.created_at;
    let subscribed = triggers::plugin::subscribed(services, before.tenant_id, &version.graph).await;
    let tx = services.db.begin().await?;
    repo::workflows::insert(&tx, &version).await?;
    triggers::sync_published(&tx, &version, &subscribed).await?;
    uses::keep(&tx, before.tenant_id, id, &uses::of_graph(&version.graph)).await?;
    let mut app = App { workflow_id: Some(version.id), updated_by: Some(account), updated_at: time, ..before.clone() };
    repo::apps::update(&tx, &app).await?;
    tx.commit().await?;
    services.forget_app(id).await;
    app.updated_at = time;
    let change = json!({"workflow_id": version.id, "version": version.version, "name": version.marked_name});
    audit::record(
        services,
        principal,
        "app.publish",
        "app",
        id.0,
        Some(json!({"workflow_id": before.workflow_id})),
        Some(change),
    )
    .await;
    Ok(version)
}

/// A version as the draft is now.
pub(crate) fn version_of(
    draft: Workflow,
    name: Option<String>,
    comment: Option<String>,
    account: AccountId,
) -> Workflow {
    let time = now();
    Workflow {
        id: WorkflowId::new(),
        version: time.format("%Y-%m-%d %H:%M:%S%.6f").to_string(),
        marked_name: name.unwrap_or_default(),
        marked_comment: comment.unwrap_or_default(),
        created_by: account,
        created_at: time,
        updated_by: Some(account),
        updated_at: time,
        ..draft
    }
}

pub(crate) fn check_labels(name: Option<&str>, comment: Option<&str>) -> Result<()> {
    for (field, text, limit) in [("marked_name", name, MAX_NAME), ("marked_comment", comment, MAX_COMMENT)] {
        if text.is_some_and(|text| text.chars().count() > limit) {
            return Err(Error::invalid_field(field, format!("{field}: String should have at most {limit} characters")));
        }
    }
    Ok(())
}

/// A user-input start and a trigger cannot be in one workflow; a graph that cannot be read cannot go live.
fn check_publishable(draft: &Workflow) -> Result<()> {
    let kinds: Vec<&str> = draft
        .graph
        .get("nodes")
        .and_then(Json::as_array)
        .into_iter()
        .flatten()
        .filter_map(|node| node.pointer("/data/type").and_then(Json::as_str))
        .collect();
    if kinds.contains(&"start") && kinds.iter().any(|kind| kind.starts_with("trigger-")) {
        return Err(Error::invalid("Start node and trigger nodes cannot coexist in the same workflow"));
    }
    ox_dsl::graph::Graph::parse(&draft.graph).map_err(|error| Error::invalid(error.to_string()))?;
    triggers::check(&draft.graph)
}

/// Versions of an app, the draft first.
#[boxed]
pub async fn versions(
    services: &Services,
    principal: &Principal,
    owner: Owner,
    mine: bool,
    named_only: bool,
    page: u64,
    limit: u64,
) -> Result<(Vec<Workflow>, bool)> {
    let app = graph_app(services, principal, owner).await?;
    if app.workflow_id.is_none() {
        return Ok((Vec::new(), false));
    }
    let author = if mine { Some(principal.account_id()?) } else { None };
    Ok(repo::workflows::versions(&services.db, app.tenant_id, app.id, author, named_only, page, limit).await?)
}

/// Changes the label and notes of a version.
#[boxed]
pub async fn label(
    services: &Services,
    principal: &Principal,
    owner: Owner,
    workflow: WorkflowId,
    name: Option<String>,
    comment: Option<String>,
) -> Result<Workflow> {
    principal.require(Permission::AppEdit)?;
    check_labels(name.as_deref(), comment.as_deref())?;
    if name.is_none() && comment.is_none() {
        return Err(Error::invalid("No valid fields to update"));
    }
    version(services, principal, owner, workflow).await?;
    let tx = services.db.begin().await?;
    let by = principal.account_id()?;
    repo::workflows::label(&tx, principal.tenant_id(), workflow, name.as_deref(), comment.as_deref(), by).await?;
    tx.commit().await?;
    version(services, principal, owner, workflow).await
}

/// One version (or the draft) of an app of the caller.
#[boxed]
pub async fn version(
    services: &Services,
    principal: &Principal,
    owner: Owner,
    workflow: WorkflowId,
) -> Result<Workflow> {
    let app = graph_app(services, principal, owner).await?;
    let found = repo::workflows::find(&services.db, app.tenant_id, app.id, workflow).await?;
    found.ok_or_else(|| Error::not_found("Workflow not found"))
}

/// Deletes a version that is neither the draft nor live.
#[boxed]
pub async fn delete_version(
    services: &Services,
    principal: &Principal,
    owner: Owner,
    workflow: WorkflowId,
) -> Result<()> {
    principal.require(Permission::AppEdit)?;
    let app = graph_app(services, principal, owner).await?;
    let found = version(services, principal, owner, workflow).await?;
    if found.version == repo::workflows::DRAFT {
        return Err(Error::invalid("Cannot delete draft workflow versions"));
    }
    if app.workflow_id == Some(workflow) {
        return Err(Error::invalid("Cannot delete workflow that is currently in use by app"));
    }
    let tx = services.db.begin().await?;
    repo::workflows::delete(&tx, app.tenant_id, workflow).await?;
    tx.commit().await?;
    audit::record(
        services,
        principal,
        "app.version.delete",
        "app",
        app.id.0,
        Some(json!({"version": found.version})),
        None,
    )
    .await;
    Ok(())
}

/// Puts the graph of a version back into the draft; the draft's own state is kept as a version first.
#[boxed]
pub async fn restore(
    services: &Services,
    principal: &Principal,
    owner: Owner,
    workflow: WorkflowId,
) -> Result<Workflow> {
    principal.require(Permission::AppEdit)?;
    let from = version(services, principal, owner, workflow).await?;
    let current = draft(services, principal, owner).await?;
    let app = graph_app(services, principal, owner).await?;
    permissions::require_added(services, principal, &app, &from.graph).await?;
    let account = principal.account_id()?;
    let time = now();
    let restored = Workflow {
        graph: from.graph,
        features: from.features,
        environment_variables: from.environment_variables,
        conversation_variables: from.conversation_variables,
        rag_pipeline_variables: from.rag_pipeline_variables,
        updated_by: Some(account),
        updated_at: time,
        ..current.clone()
    };
    let snapshot = Workflow {
        id: WorkflowId::new(),
        version: time.format("%Y-%m-%d %H:%M:%S%.6f").to_string(),
        marked_name: "Before restore".into(),
        created_by: account,
        created_at: time,
        ..current
    };
    let tx = services.db.begin().await?;
    repo::workflows::insert(&tx, &snapshot).await?;
    repo::workflows::update_draft(&tx, &restored).await?;
    if matches!(owner, Owner::App(_)) {
        triggers::sync_draft(&tx, &restored, account).await?;
    }
    tx.commit().await?;
    Ok(restored)
}

/// The problems of a draft, the worst first: what the Studio lists before publishing.
#[boxed]
pub async fn problems(services: &Services, principal: &Principal, id: AppId) -> Result<Json> {
    let app = graph_app(services, principal, id.into()).await?;
    let draft = draft(services, principal, id.into()).await?;
    let mode = ox_dsl::document::AppMode::parse(&app.mode).ok_or_else(|| Error::invalid("Invalid app mode"))?;
    let parse = |json: &Json, scope| {
        ox_dsl::variables::parse(Some(json), scope).map_err(|error| Error::invalid(error.to_string()))
    };
    let body = ox_dsl::document::WorkflowBody {
        environment_variables: parse(&draft.environment_variables, ox_dsl::variables::Scope::Environment)?,
        conversation_variables: parse(&draft.conversation_variables, ox_dsl::variables::Scope::Conversation)?,
        graph: draft.graph,
        features: draft.features,
    };
    let problems = ox_dsl::lint::workflow(mode, &body);
    Ok(serde_json::to_value(problems).unwrap_or_default())
}
