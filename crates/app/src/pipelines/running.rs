//! Running pipelines: the draft to try it out, the live version to look at chunks, and the live version for documents.

use std::sync::Arc;

use ox_db::{
    model::{Dataset, Document, NodeExecution, Pipeline, PipelineLog, Workflow},
    now, repo,
};
use ox_types::{AppId, DatasetId, DocumentId, FileId, Json, Object, RunId, TaskId, Value, boxed};
use serde_json::{Map, json};

use super::{find, graph, items, missing};
use crate::{
    AppCaller, Error, Principal, Result, Services, debug,
    knowledge::{documents, metadata, removal, summaries},
    principal::Permission,
    runs::{
        self, InvokeFrom, RunUser, StepRequest, Subscription,
        pipeline::{self, PipelineStart},
    },
    tools::permissions,
    workflows::{self, Owner},
};

/// What is to be run.
#[derive(Clone, Debug, Default)]
pub struct RunForm {
    /// Answers to what the pipeline asks, by the variable's name.
    pub inputs: Map<String, Json>,
    /// `local_file`, `online_document`, `online_drive`, `website_crawl`.
    pub datasource_type: String,
    pub items: Vec<Json>,
    pub start_node_id: String,
    /// The document that is made anew.
    pub original_document_id: Option<DocumentId>,
}

/// Documents that were made together.
#[derive(Clone, Debug)]
pub struct Made {
    pub dataset: Dataset,
    pub documents: Vec<Document>,
    pub batch: String,
}

fn check(form: &RunForm) -> Result<&Json> {
    if form.start_node_id.is_empty() {
        return Err(Error::invalid_field("start_node_id", "start_node_id is required."));
    }
    if form.items.len() > items::MAX_ITEMS {
        let text = format!("At most {} documents can be made at a time.", items::MAX_ITEMS);
        return Err(Error::invalid_field("datasource_info_list", text));
    }
    let none = || Error::invalid_field("datasource_info_list", "Choose at least one document.");
    form.items.first().ok_or_else(none)
}

/// The `sys` variables of a run.
fn system(dataset: &Dataset, kind: &str, info: Value, invoke_from: &str) -> Object {
    [
        ("dataset_id", Value::from(dataset.id.to_string())),
        ("datasource_type", Value::from(kind)),
        ("datasource_info", info),
        ("invoke_from", Value::from(invoke_from)),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect()
}

/// Tries a version out with the first thing that was chosen; nothing is written.
async fn try_out(
    services: &Arc<Services>,
    principal: &Principal,
    (pipeline, dataset): (&Pipeline, &Dataset),
    version: &Workflow,
    form: RunForm,
) -> Result<Subscription> {
    let item = check(&form)?;
    let info = items::value(services, dataset.tenant_id, &form.datasource_type, item).await?;
    let caller = debug::caller(services, principal, pipeline.id).await?;
    let start = PipelineStart {
        system: system(dataset, &form.datasource_type, info, "debugger"),
        inputs: form.inputs,
        root: form.start_node_id,
        run_id: None,
    };
    pipeline::begin(services, &caller, version, start).await
}

/// Runs the draft; its last node shows the chunks and writes none.
///
/// # Errors
/// 404 for an unknown pipeline, 400 for answers that do not fit.
#[boxed]
pub async fn run_draft(
    services: &Arc<Services>,
    principal: &Principal,
    id: AppId,
    form: RunForm,
) -> Result<Subscription> {
    principal.require(Permission::AppEdit)?;
    let (pipeline, dataset) = find(services, principal, id).await?;
    let draft = workflows::draft(services, principal, Owner::Pipeline(id)).await?;
    permissions::require(services, principal, &permissions::of_graph(&draft.graph, |_| true)).await?;
    try_out(services, principal, (&pipeline, &dataset), &draft, form).await
}

/// The live version.
///
/// # Errors
/// 400 when there is none.
pub(crate) async fn live(services: &Services, pipeline: &Pipeline) -> Result<Workflow> {
    let none = || Error::invalid("The pipeline is not published.");
    let id = pipeline.workflow_id.ok_or_else(none)?;
    repo::workflows::find(&services.db, pipeline.tenant_id, pipeline.id, id).await?.ok_or_else(none)
}

/// Shows the chunks that the live version makes; nothing is written.
///
/// # Errors
/// As [`run_draft`]; 400 when it is not published.
#[boxed]
pub async fn preview(
    services: &Arc<Services>,
    principal: &Principal,
    id: AppId,
    form: RunForm,
) -> Result<Subscription> {
    principal.require(Permission::DatasetEdit)?;
    let (pipeline, dataset) = find(services, principal, id).await?;
    let version = live(services, &pipeline).await?;
    try_out(services, principal, (&pipeline, &dataset), &version, form).await
}

/// Makes one document of each thing that was chosen. They are worked on at once, in the background.
///
/// # Errors
/// As [`preview`].
#[boxed]
pub async fn run(services: &Arc<Services>, principal: &Principal, id: AppId, form: RunForm) -> Result<Made> {
    principal.require(Permission::DatasetEdit)?;
    let (pipeline, dataset) = find(services, principal, id).await?;
    let version = live(services, &pipeline).await?;
    check(&form)?;
    graph::datasource(&version.graph, &form.start_node_id)
        .map_err(|error| Error::invalid_field("start_node_id", error.message))?;
    check_answers(services, principal, &pipeline, &version, &form).await?;
    let account = principal.account_id()?;
    let original = match form.original_document_id {
        Some(original) => Some(original_of(services, &dataset, original, &form).await?),
        None => None,
    };
    let batch = documents::batch_name();
    let mut fresh = Vec::with_capacity(form.items.len());
    let doc_form = dataset.chunk_structure.clone().unwrap_or_else(|| "text_model".into());
    let need_summary = summaries::are_wanted(&dataset, &doc_form);
    for item in &form.items {
        let document = items::document(services, &dataset, account, &form.datasource_type, item).await?;
        fresh.push(Document {
            batch: batch.clone(),
            doc_form: doc_form.clone(),
            need_summary,
            doc_language: Some("English".into()),
            ..document
        });
    }
    let author = services.people(&[account]).await?.remove(&account).map(|account| account.name);
    let log = |document: &Document, item: &Json| PipelineLog {
        document_id: document.id,
        pipeline_id: pipeline.id,
        workflow_id: version.id,
        datasource_type: form.datasource_type.clone(),
        datasource_info: item.clone(),
        datasource_node_id: form.start_node_id.clone(),
        input_data: Json::Object(form.inputs.clone()),
        created_by: account,
        created_at: document.updated_at,
    };
    let dataset = Dataset {
        data_source_type: dataset.data_source_type.clone().or_else(|| Some(form.datasource_type.clone())),
        updated_at: now(),
        ..dataset
    };
    let tx = services.db.begin().await?;
    // Also the lock behind which positions are counted.
    repo::datasets::update(&tx, dataset.clone()).await?;
    let mut position = repo::documents::next_position(&tx, dataset.id).await?;
    let mut made = Vec::with_capacity(fresh.len());
    for (document, item) in fresh.into_iter().zip(&form.items) {
        let document = match &original {
            Some(known) => documents::anew(known.clone(), document),
            None => Document { position, ..document },
        };
        let document = metadata::with_built_in(&dataset, document, author.as_deref());
        repo::pipelines::put_log(&tx, log(&document, item)).await?;
        if original.is_some() {
            repo::segments::mark(&tx, document.id, "re_segment").await?;
            repo::documents::update(&tx, document.clone()).await?;
        } else {
            position = position.saturating_add(1);
            repo::documents::insert(&tx, vec![document.clone()]).await?;
        }
        made.push(document);
    }
    tx.commit().await?;
    services.knowledge.wake();
    let before = original.and_then(|known| known.file_id);
    let replaced: Vec<FileId> =
        before.filter(|id| made.iter().all(|one| one.file_id != Some(*id))).into_iter().collect();
    removal::remove_replaced(services, dataset.tenant_id, &replaced).await;
    Ok(Made { dataset, documents: made, batch })
}

/// What is wrong with the answers is told before a document is made.
async fn check_answers(
    services: &Services,
    principal: &Principal,
    pipeline: &Pipeline,
    version: &Workflow,
    form: &RunForm,
) -> Result<()> {
    let caller = debug::caller(services, principal, pipeline.id).await?;
    let reader = runs::start::reader(services, &caller, false);
    let (variables, root) = (&version.rag_pipeline_variables, &form.start_node_id);
    super::inputs::answers(variables, root, form.inputs.clone(), &reader).await.map(|_| ())
}

/// The document that is made anew.
async fn original_of(services: &Services, dataset: &Dataset, id: DocumentId, form: &RunForm) -> Result<Document> {
    let found = repo::documents::find(&services.db, dataset.tenant_id, dataset.id, id).await?;
    let found = found.ok_or_else(|| Error::not_found("Document not found."))?;
    if form.items.len() != 1 {
        return Err(Error::invalid_field("datasource_info_list", "A document is made anew of one source."));
    }
    if !["completed", "error"].contains(&found.indexing_status.as_str()) {
        return Err(Error::new(400, "document_indexing", "Document is being processed, please try again later"));
    }
    if found.archived {
        return Err(Error::new(403, "archived_document_immutable", "The archived document is not editable."));
    }
    Ok(found)
}

/// Begins the run that makes the chunks of a document, for the one who works on it.
///
/// # Errors
/// What keeps the document from being made.
#[boxed]
pub(crate) async fn of_document(
    services: &Arc<Services>,
    dataset: &Dataset,
    document: &Document,
    log: &PipelineLog,
    run_id: RunId,
) -> Result<Subscription> {
    let pipeline = repo::pipelines::find(&services.db, dataset.tenant_id, log.pipeline_id).await?;
    let pipeline = pipeline.ok_or_else(missing)?;
    // A document that failed is made by the version that is live now: that one may have been mended.
    let version = live(services, &pipeline).await?;
    let root = match graph::datasource(&version.graph, &log.datasource_node_id) {
        Ok(_) => log.datasource_node_id.clone(),
        Err(error) => graph::datasource_of_kind(&version.graph, &log.datasource_type).ok_or(error)?,
    };
    let info = items::value(services, dataset.tenant_id, &log.datasource_type, &log.datasource_info).await?;
    let mut system = system(dataset, &log.datasource_type, info, "published");
    system.insert("document_id".to_owned(), Value::from(document.id.to_string()));
    system.insert("batch".to_owned(), Value::from(document.batch.as_str()));
    let inputs = log.input_data.as_object().cloned().unwrap_or_default();
    let caller = caller(services, &pipeline, document).await?;
    let start = PipelineStart { inputs, root, system, run_id: Some(run_id) };
    pipeline::begin(services, &caller, &version, start).await
}

/// Whoever made a document, as the user of its run.
async fn caller(services: &Services, pipeline: &Pipeline, document: &Document) -> Result<AppCaller> {
    let app = services.runs.published.app(pipeline.id).await?.ok_or_else(missing)?;
    let account = services.people(&[document.created_by]).await?.remove(&document.created_by);
    let (name, email) = account.map(|account| (account.name, account.email)).unwrap_or_default();
    let user = RunUser::Account { id: document.created_by.0, name: name.into(), email: email.into() };
    Ok(AppCaller { app, user, invoke_from: InvokeFrom::Published })
}

/// Stops a run.
///
/// # Errors
/// As [`find`].
#[boxed]
pub async fn stop(services: &Services, principal: &Principal, id: AppId, task: TaskId) -> Result<()> {
    find(services, principal, id).await?;
    runs::signals::stop(services, id, task, None).await;
    Ok(())
}

/// Runs a datasource of the draft with what was chosen, so that the nodes behind it can be tried out one by one.
///
/// # Errors
/// As [`run_draft`].
#[boxed]
pub async fn inspect_datasource(
    services: &Arc<Services>,
    principal: &Principal,
    id: AppId,
    node: &str,
    kind: &str,
    item: &Json,
) -> Result<NodeExecution> {
    principal.require(Permission::AppEdit)?;
    let (_, dataset) = find(services, principal, id).await?;
    let draft = workflows::draft(services, principal, Owner::Pipeline(id)).await?;
    graph::datasource(&draft.graph, node)?;
    let info = items::value(services, dataset.tenant_id, kind, item).await?;
    let request = StepRequest { system: system(&dataset, kind, info, "debugger"), ..StepRequest::default() };
    workflows::steps::run_node(services, principal, Owner::Pipeline(id), node, request).await
}

/// What a document was made of; nothing for one that no pipeline made.
///
/// # Errors
/// As for the document.
#[boxed]
pub async fn execution_log(
    services: &Services,
    principal: &Principal,
    dataset: DatasetId,
    id: DocumentId,
) -> Result<Json> {
    let (_, document) = documents::find(services, principal, dataset, id).await?;
    Ok(match repo::pipelines::log(&services.db, document.id).await? {
        Some(log) => json!({
            "datasource_info": log.datasource_info, "datasource_type": log.datasource_type,
            "input_data": log.input_data, "datasource_node_id": log.datasource_node_id,
        }),
        None => json!({
            "datasource_info": null, "datasource_type": null, "input_data": null, "datasource_node_id": null,
        }),
    })
}

/// What a pipeline asks for a datasource: before it is looked into, and afterwards.
///
/// # Errors
/// 404 for an unknown datasource, or a version that is not there.
#[boxed]
pub async fn asked(
    services: &Services,
    principal: &Principal,
    id: AppId,
    is_draft: bool,
    node: &str,
) -> Result<(Vec<Json>, Vec<Json>)> {
    let version = version(services, principal, id, is_draft).await?;
    graph::asked(&version.graph, &version.rag_pipeline_variables, node)
}

/// The draft or the live version.
///
/// # Errors
/// 404 or 400 when there is none.
pub(crate) async fn version(services: &Services, principal: &Principal, id: AppId, is_draft: bool) -> Result<Workflow> {
    if is_draft {
        return workflows::draft(services, principal, Owner::Pipeline(id)).await;
    }
    let (pipeline, _) = find(services, principal, id).await?;
    live(services, &pipeline).await
}
