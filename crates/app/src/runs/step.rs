//! One node of a draft, run by itself: no run is recorded, only the execution of the node.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use ox_db::model::{NodeExecution, Workflow};
use ox_engine::{EventSink, NodeInfo, NodeResult, RunEvent, RunEventKind, RunInfo, RunStart, SinkClosed, UserKind};
use ox_types::{Json, NodeStatus, RunId, RunStatus, TaskId, WorkflowId, boxed};

use super::{
    delta::Delta,
    draft::DraftKeeper,
    launch,
    part::{self, Part, StepRequest},
};
use crate::{AppCaller, Error, Result, Services};

/// Runs a node and returns its execution, which is recorded whether or not somebody still waits for it.
///
/// # Errors
/// What is wrong with the request. A node that fails is no error: its execution says so.
#[boxed]
pub async fn run(
    services: &Arc<Services>,
    caller: &AppCaller,
    draft: &Workflow,
    node_id: &str,
    request: StepRequest,
) -> Result<NodeExecution> {
    let permit = services.runs.enter(caller.app.app.id)?;
    let part = part::prepare(services, caller, draft, node_id, request).await?;
    if part.node.is_container() {
        let text = format!("{} is an {}: run it by its own route, as a stream.", part.node.title, part.node.kind);
        return Err(Error::invalid(text));
    }
    let (services, caller) = (Arc::clone(services), caller.clone());
    let task = services.runs.tracker.clone().spawn(async move {
        let execution = execute(&services, &caller, part).await;
        drop(permit);
        execution
    });
    task.await.map_err(Error::internal)?
}

async fn execute(services: &Arc<Services>, caller: &AppCaller, part: Part) -> Result<NodeExecution> {
    let Part { engine, compiled, pool, node, .. } = part;
    let sink = Arc::new(StepSink::default());
    let start = RunStart {
        info: info(caller, compiled.id),
        pool,
        root: None,
        limits: launch::engine_limits(&services.settings),
        sink: Arc::clone(&sink) as _,
        tracker: services.runs.tracker.clone(),
    };
    let handle = ox_engine::start(engine, start).map_err(|error| Error::invalid(error.to_string()))?;
    let outcome = handle.wait().await;
    if outcome.status == RunStatus::Paused {
        let text = format!("{} waits for somebody to answer: run the whole draft to try it out.", node.title);
        return Err(Error::invalid(text));
    }
    let Some((info, result, at)) = sink.take() else {
        return Err(Error::internal(outcome.error.unwrap_or_else(|| "the node ended without a result".to_owned())));
    };
    let row = row(caller, compiled.id, &info, &result, at);
    let account = caller.user.id();
    let keeper = DraftKeeper::new(services, caller.tenant_id(), caller.app.app.id, account);
    let mut delta = Delta { draft: keeper.of_node(&info, &result, at).await?, ..Delta::default() };
    delta.nodes.insert(row.id, row.clone());
    let committed = services.runs.journal.commit(&[Arc::new(delta)]).await;
    committed.map_err(|error| Error::new(error.status, error.code, error.message))?;
    Ok(row)
}

pub(super) fn info(caller: &AppCaller, workflow_id: WorkflowId) -> RunInfo {
    RunInfo {
        run_id: RunId::new(),
        task_id: TaskId::new(),
        tenant_id: caller.tenant_id(),
        app_id: caller.app.app.id,
        workflow_id,
        conversation_id: None,
        user_id: caller.user.id().to_string(),
        user_kind: UserKind::Account,
        invoke_from: caller.invoke_from.as_str().to_owned(),
        call_depth: 0,
    }
}

fn row(
    caller: &AppCaller,
    workflow_id: WorkflowId,
    info: &NodeInfo,
    result: &NodeResult,
    at: DateTime<Utc>,
) -> NodeExecution {
    let text = |fields: &ox_types::Object| serde_json::to_string(fields).ok();
    let metadata: Json = result.metadata.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
    NodeExecution {
        id: info.node_run_id,
        tenant_id: caller.tenant_id(),
        app_id: caller.app.app.id,
        workflow_id,
        triggered_from: "single-step".to_owned(),
        workflow_run_id: None,
        index: 1,
        finish_seq: Some(1),
        predecessor_node_id: None,
        node_id: info.node.id.clone(),
        node_type: info.node.kind.clone(),
        title: info.node.title.clone(),
        frame: None,
        handle: result.handle.clone(),
        retry_index: i32::try_from(result.retries).unwrap_or(i32::MAX),
        inputs: text(&result.inputs),
        process_data: text(&result.process_data),
        outputs: text(&result.outputs),
        updates: None,
        array_types: None,
        status: if result.status == NodeStatus::Stopped { NodeStatus::Failed } else { result.status },
        error: result.error.clone(),
        error_type: result.error_type.clone(),
        elapsed_time: result.elapsed_seconds,
        execution_metadata: (!result.metadata.is_empty()).then(|| metadata.to_string()),
        debug: true,
        created_by_role: caller.user.role().to_owned(),
        created_by: caller.user.id(),
        created_at: info.started_at,
        finished_at: Some(at),
    }
}

/// The end of a node, and when it came.
type Ended = (NodeInfo, Box<NodeResult>, DateTime<Utc>);

/// Keeps the end of the one node. Nothing has to be durable before it runs: what a step did is known by its answer.
#[derive(Default)]
struct StepSink {
    ended: Mutex<Option<Ended>>,
}

impl StepSink {
    fn take(&self) -> Option<Ended> {
        self.ended.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

#[async_trait]
impl EventSink for StepSink {
    async fn emit(&self, event: RunEvent) -> Result<(), SinkClosed> {
        if let RunEventKind::NodeFinished(info, result) = event.kind {
            *self.ended.lock().unwrap_or_else(PoisonError::into_inner) = Some((info, result, event.at));
        }
        Ok(())
    }

    async fn barrier(&self) -> Result<(), SinkClosed> {
        Ok(())
    }
}
