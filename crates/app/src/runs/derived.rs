//! The row a run begins with, and runs that do not begin at the start of an app: a container by itself, replays, forks.
//!
//! Those are shown as workflow runs whatever the app is: no message of a conversation belongs to them.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use ox_db::{
    model::{RunOrigin, Workflow, WorkflowRun},
    repo,
};
use ox_engine::{RunInfo, RunStart};
use ox_types::{Json, RunId, RunStatus, TaskId, boxed};

use super::{
    compiled::CompiledWorkflow,
    delta::Delta,
    draft::DraftKeeper,
    event::{AppMode, StreamHead},
    hub::{Hub, Subscription},
    launch,
    part::{self, Part, StepRequest},
    sink::{RunBegin, RunSink},
    step,
};
use crate::{AppCaller, Error, Result, Services};

/// The ids of a run that is about to begin.
#[derive(Clone, Copy, Debug)]
pub(super) struct Begun {
    pub run_id: RunId,
    pub task_id: TaskId,
    pub at: DateTime<Utc>,
}

impl Begun {
    pub fn now() -> Self {
        Self { run_id: RunId::new(), task_id: TaskId::new(), at: ox_db::now() }
    }
}

/// The row of a run as it begins.
pub(super) fn row(
    services: &Services,
    caller: &AppCaller,
    compiled: &CompiledWorkflow,
    begun: Begun,
    triggered_from: &str,
    inputs: String,
) -> WorkflowRun {
    WorkflowRun {
        id: begun.run_id,
        tenant_id: caller.tenant_id(),
        app_id: caller.app.app.id,
        workflow_id: compiled.id,
        kind: compiled.kind.clone(),
        triggered_from: triggered_from.to_owned(),
        version: compiled.version.clone(),
        graph: compiled.graph_text.clone(),
        inputs: Some(inputs),
        status: RunStatus::Running,
        outputs: None,
        error: None,
        elapsed_time: 0.0,
        total_tokens: 0,
        total_steps: 0,
        total_price: None,
        currency: None,
        exceptions_count: 0,
        created_by_role: caller.user.role().to_owned(),
        created_by: caller.user.id(),
        owner: Some(services.runs.process_id),
        resume: None,
        labels: None,
        created_at: begun.at,
        finished_at: None,
    }
}

/// The stream of a run.
pub(super) fn hub(caller: &AppCaller, compiled: &CompiledWorkflow, begun: Begun) -> Arc<Hub> {
    Hub::new(StreamHead {
        mode: AppMode::Workflow,
        invoke_from: caller.invoke_from,
        task_id: begun.task_id,
        run_id: Some(begun.run_id),
        workflow_id: Some(compiled.id),
        conversation_id: None,
        message_id: None,
        created_at: begun.at.timestamp(),
        user: caller.user.clone(),
    })
}

pub(super) fn info(caller: &AppCaller, compiled: &CompiledWorkflow, begun: Begun) -> RunInfo {
    RunInfo { run_id: begun.run_id, task_id: begun.task_id, ..step::info(caller, compiled.id) }
}

/// Notes from which run another one was made.
pub(super) async fn note_origin(
    services: &Services,
    caller: &AppCaller,
    parent: &WorkflowRun,
    begun: Begun,
    kind: &str,
    node_id: Option<String>,
) -> Result<()> {
    let origin = RunOrigin {
        run_id: begun.run_id,
        tenant_id: parent.tenant_id,
        app_id: parent.app_id,
        parent_run_id: parent.id,
        kind: kind.to_owned(),
        node_id,
        created_by: caller.user.id(),
        created_at: begun.at,
    };
    let tx = services.db.begin().await?;
    repo::run_origins::insert(&tx, origin).await?;
    Ok(tx.commit().await?)
}

/// What a sink begins with.
pub(super) fn begin(services: &Services, run: WorkflowRun, draft: Option<Arc<DraftKeeper>>) -> RunBegin {
    RunBegin {
        inputs: run.inputs.clone().unwrap_or_else(|| "{}".to_owned()).into(),
        run,
        with: Delta::default(),
        message: None,
        variables: Vec::new(),
        show_citations: false,
        form_limit: services.settings.form_limit,
        clock: services.db.clone(),
        draft,
    }
}

/// Runs an iteration or loop of a draft by itself.
///
/// # Errors
/// What is wrong with the request.
#[boxed]
pub async fn run_container(
    services: &Arc<Services>,
    caller: &AppCaller,
    draft: &Workflow,
    node_id: &str,
    kind: &str,
    request: StepRequest,
) -> Result<Subscription> {
    let permit = services.runs.enter(caller.app.app.id)?;
    let Part { node, engine, mut compiled, graph, mut pool, given } =
        part::prepare(services, caller, draft, node_id, request).await?;
    if node.kind != kind {
        return Err(Error::invalid(format!("{} is not a node of the kind {kind}.", node.title)));
    }
    // The run's record shows what ran; taken over after a crash it ends there, as a part has no beginning.
    compiled.graph_text = Some(graph);
    let begun = Begun::now();
    pool.set("sys", "workflow_run_id", begun.run_id.to_string());
    let inputs: Json = given.iter().map(|(name, value)| (name.clone(), value.to_json())).collect();
    let run = row(services, caller, &compiled, begun, "debugging", inputs.to_string());
    let hub = hub(caller, &compiled, begun);
    let reader = hub.subscribe();
    let draft = DraftKeeper::of_run(services, &run);
    let sink = RunSink::new(services.runs.recorder.begin(hub), AppMode::Workflow, begin(services, run, draft));
    let start = RunStart {
        info: info(caller, &compiled, begun),
        pool,
        root: None,
        limits: launch::engine_limits(&services.settings),
        sink: Arc::clone(&sink) as _,
        tracker: services.runs.tracker.clone(),
    };
    let handle = ox_engine::start(engine, start).map_err(|error| Error::invalid(error.to_string()))?;
    launch::watch(services, handle, sink, caller.user.id(), Some(permit), None);
    Ok(reader)
}
