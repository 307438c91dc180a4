//! Runs of knowledge pipelines: a version, a datasource of it, and one thing that was chosen there.

use std::sync::Arc;

use ox_db::{model::Workflow, repo};
use ox_types::{Json, Object, RunId, Value, boxed};
use serde_json::Map;

use super::{
    compiled,
    hub::Subscription,
    launch::{self, How, Launch, PipelineGiven},
    start,
};
use crate::{AppCaller, Error, Result, Services, pipelines::inputs};

/// Under which name what was asked of the user stands: `rag.shared.name`, `rag.<datasource node>.name`.
pub const ASKED: &str = "rag";

/// What a run begins with.
#[derive(Clone, Debug, Default)]
pub(crate) struct PipelineStart {
    /// The answers of the user, by the variable's name.
    pub inputs: Map<String, Json>,
    /// The datasource to begin with.
    pub root: String,
    /// `sys` variables: `datasource_type`, `datasource_info`, `dataset_id`, `invoke_from`, …
    pub system: Object,
    pub run_id: Option<RunId>,
}

/// Starts a run of a version or draft.
///
/// # Errors
/// 400 for answers that do not fit, or a datasource that is not there.
#[boxed]
pub(crate) async fn begin(
    services: &Arc<Services>,
    caller: &AppCaller,
    version: &Workflow,
    given: PipelineStart,
) -> Result<Subscription> {
    let PipelineStart { inputs, root, system, run_id } = given;
    let compiled = if version.version == repo::workflows::DRAFT {
        Arc::new(compiled::compile(services, version).await?)
    } else {
        let found = compiled::by_id(services, &caller.app, version.id).await?;
        found.ok_or_else(|| Error::not_found("Workflow not found"))?
    };
    let engine = compiled.engine.as_ref().map_err(|why| Error::invalid(why.clone()))?;
    let is_source = |node: &Arc<super::NodeSpec>| node.id == root && node.kind == "datasource";
    if !engine.graph().nodes.iter().any(is_source) {
        return Err(Error::invalid_field("start_node_id", format!("The pipeline has no datasource {root}.")));
    }
    let reader = start::reader(services, caller, false);
    let asked = inputs::answers(&compiled.rag_pipeline_variables, &root, inputs, &reader).await?;
    let permit = services.runs.enter(caller.app.app.id)?;
    let how = How {
        run_id,
        root: Some(root),
        triggered_from: Some("rag-pipeline-run"),
        pipeline: Some(PipelineGiven { system, asked }),
        ..How::default()
    };
    let launch = Launch {
        compiled,
        inputs: Object::new(),
        files: Vec::<Value>::new(),
        chat: None,
        permit: Some(permit),
        trace_id: None,
        how,
    };
    launch::launch(services, caller, launch).await
}
