//! Runs, node executions, logs and what recovery needs.

use chrono::{DateTime, Utc};
use ox_types::{AppId, NodeRunId, NodeStatus, RunId, RunStatus, TenantId, WorkflowId};
use uuid::Uuid;

use crate::entity;

/// One execution of a workflow. On PostgreSQL partitioned by day.
#[derive(Clone, Debug, PartialEq)]
pub struct WorkflowRun {
    pub id: RunId,
    pub tenant_id: TenantId,
    pub app_id: AppId,
    pub workflow_id: WorkflowId,
    /// `workflow`, `chat`, `rag-pipeline`.
    pub kind: String,
    /// `debugging`, `app-run`, `webhook`, `schedule`, `plugin`, …
    pub triggered_from: String,
    pub version: String,
    /// JSON text; kept only where the version is not immutable (draft runs).
    pub graph: Option<String>,
    /// JSON text.
    pub inputs: Option<String>,
    pub status: RunStatus,
    /// JSON text.
    pub outputs: Option<String>,
    pub error: Option<String>,
    /// Seconds.
    pub elapsed_time: f64,
    pub total_tokens: i64,
    pub total_steps: i32,
    /// Decimal text.
    pub total_price: Option<String>,
    pub currency: Option<String>,
    pub exceptions_count: i32,
    /// `account` or `end_user`.
    pub created_by_role: String,
    pub created_by: Uuid,
    /// Process that runs it; see `processes`.
    pub owner: Option<Uuid>,
    /// JSON text of what its owner needs to go on after a crash; empty once finished.
    pub resume: Option<String>,
    /// JSON text: variant, experiment, ….
    pub labels: Option<String>,
    pub created_at: DateTime<Utc>,
    pub finished_at: Option<DateTime<Utc>>,
}

impl From<entity::workflow_runs::Model> for WorkflowRun {
    fn from(row: entity::workflow_runs::Model) -> Self {
        Self {
            id: RunId(row.id),
            tenant_id: TenantId(row.tenant_id),
            app_id: AppId(row.app_id),
            workflow_id: WorkflowId(row.workflow_id),
            kind: row.kind,
            triggered_from: row.triggered_from,
            version: row.version,
            graph: row.graph,
            inputs: row.inputs,
            status: RunStatus::parse(&row.status).unwrap_or(RunStatus::Failed),
            outputs: row.outputs,
            error: row.error,
            elapsed_time: row.elapsed_time,
            total_tokens: row.total_tokens,
            total_steps: row.total_steps,
            total_price: row.total_price,
            currency: row.currency,
            exceptions_count: row.exceptions_count,
            created_by_role: row.created_by_role,
            created_by: row.created_by,
            owner: row.owner,
            resume: row.resume,
            labels: row.labels,
            created_at: row.created_at,
            finished_at: row.finished_at,
        }
    }
}

impl From<WorkflowRun> for entity::workflow_runs::Model {
    fn from(item: WorkflowRun) -> Self {
        Self {
            id: item.id.0,
            tenant_id: item.tenant_id.0,
            app_id: item.app_id.0,
            workflow_id: item.workflow_id.0,
            kind: item.kind,
            triggered_from: item.triggered_from,
            version: item.version,
            graph: item.graph,
            inputs: item.inputs,
            status: item.status.as_str().to_owned(),
            outputs: item.outputs,
            error: item.error,
            elapsed_time: item.elapsed_time,
            total_tokens: item.total_tokens,
            total_steps: item.total_steps,
            total_price: item.total_price,
            currency: item.currency,
            exceptions_count: item.exceptions_count,
            created_by_role: item.created_by_role,
            created_by: item.created_by,
            owner: item.owner,
            resume: item.resume,
            labels: item.labels,
            created_at: item.created_at,
            finished_at: item.finished_at,
        }
    }
}

/// One execution of one node. On PostgreSQL partitioned by day.
#[derive(Clone, Debug, PartialEq)]
pub struct NodeExecution {
    pub id: NodeRunId,
    pub tenant_id: TenantId,
    pub app_id: AppId,
    pub workflow_id: WorkflowId,
    /// `single-step`, `workflow-run`, `rag-pipeline-run`.
    pub triggered_from: String,
    pub workflow_run_id: Option<RunId>,
    /// 1-based order of node starts in the run.
    pub index: i32,
    /// Order of finishing in the run; empty while it runs.
    pub finish_seq: Option<i32>,
    pub predecessor_node_id: Option<String>,
    pub node_id: String,
    pub node_type: String,
    pub title: String,
    /// JSON text: container path `[[node id, index], …]`; empty at the top.
    pub frame: Option<String>,
    /// The branch taken.
    pub handle: Option<String>,
    pub retry_index: i32,
    /// JSON text.
    pub inputs: Option<String>,
    /// JSON text.
    pub process_data: Option<String>,
    /// JSON text.
    pub outputs: Option<String>,
    /// JSON text: variables the node changed, `[[selector, value], …]`.
    pub updates: Option<String>,
    /// JSON text: array types that outputs and updates do not tell, by JSON pointer.
    pub array_types: Option<String>,
    pub status: NodeStatus,
    pub error: Option<String>,
    pub error_type: Option<String>,
    pub elapsed_time: f64,
    /// JSON text.
    pub execution_metadata: Option<String>,
    /// Written by a run in the editor; such rows answer "last run of this node".
    pub debug: bool,
    pub created_by_role: String,
    pub created_by: Uuid,
    pub created_at: DateTime<Utc>,
    pub finished_at: Option<DateTime<Utc>>,
}

impl From<entity::workflow_node_executions::Model> for NodeExecution {
    fn from(row: entity::workflow_node_executions::Model) -> Self {
        Self {
            id: NodeRunId(row.id),
            tenant_id: TenantId(row.tenant_id),
            app_id: AppId(row.app_id),
            workflow_id: WorkflowId(row.workflow_id),
            triggered_from: row.triggered_from,
            workflow_run_id: row.workflow_run_id.map(RunId),
            index: row.index,
            finish_seq: row.finish_seq,
            predecessor_node_id: row.predecessor_node_id,
            node_id: row.node_id,
            node_type: row.node_type,
            title: row.title,
            frame: row.frame,
            handle: row.handle,
            retry_index: row.retry_index,
            inputs: row.inputs,
            process_data: row.process_data,
            outputs: row.outputs,
            updates: row.updates,
            array_types: row.array_types,
            status: NodeStatus::parse(&row.status).unwrap_or(NodeStatus::Failed),
            error: row.error,
            error_type: row.error_type,
            elapsed_time: row.elapsed_time,
            execution_metadata: row.execution_metadata,
            debug: row.debug,
            created_by_role: row.created_by_role,
            created_by: row.created_by,
            created_at: row.created_at,
            finished_at: row.finished_at,
        }
    }
}

impl From<NodeExecution> for entity::workflow_node_executions::Model {
    fn from(item: NodeExecution) -> Self {
        Self {
            id: item.id.0,
            tenant_id: item.tenant_id.0,
            app_id: item.app_id.0,
            workflow_id: item.workflow_id.0,
            triggered_from: item.triggered_from,
            workflow_run_id: item.workflow_run_id.map(|id| id.0),
            index: item.index,
            finish_seq: item.finish_seq,
            predecessor_node_id: item.predecessor_node_id,
            node_id: item.node_id,
            node_type: item.node_type,
            title: item.title,
            frame: item.frame,
            handle: item.handle,
            retry_index: item.retry_index,
            inputs: item.inputs,
            process_data: item.process_data,
            outputs: item.outputs,
            updates: item.updates,
            array_types: item.array_types,
            status: item.status.as_str().to_owned(),
            error: item.error,
            error_type: item.error_type,
            elapsed_time: item.elapsed_time,
            execution_metadata: item.execution_metadata,
            debug: item.debug,
            created_by_role: item.created_by_role,
            created_by: item.created_by,
            created_at: item.created_at,
            finished_at: item.finished_at,
        }
    }
}

/// A run in the log list of its app.
#[derive(Clone, Debug, PartialEq)]
pub struct WorkflowAppLog {
    pub id: Uuid,
    pub tenant_id: TenantId,
    pub app_id: AppId,
    pub workflow_id: WorkflowId,
    pub workflow_run_id: RunId,
    /// `service-api`, `web-app`, `installed-app`.
    pub created_from: String,
    pub created_by_role: String,
    pub created_by: Uuid,
    pub created_at: DateTime<Utc>,
}

impl From<entity::workflow_app_logs::Model> for WorkflowAppLog {
    fn from(row: entity::workflow_app_logs::Model) -> Self {
        Self {
            id: row.id,
            tenant_id: TenantId(row.tenant_id),
            app_id: AppId(row.app_id),
            workflow_id: WorkflowId(row.workflow_id),
            workflow_run_id: RunId(row.workflow_run_id),
            created_from: row.created_from,
            created_by_role: row.created_by_role,
            created_by: row.created_by,
            created_at: row.created_at,
        }
    }
}

impl From<WorkflowAppLog> for entity::workflow_app_logs::Model {
    fn from(item: WorkflowAppLog) -> Self {
        Self {
            id: item.id,
            tenant_id: item.tenant_id.0,
            app_id: item.app_id.0,
            workflow_id: item.workflow_id.0,
            workflow_run_id: item.workflow_run_id.0,
            created_from: item.created_from,
            created_by_role: item.created_by_role,
            created_by: item.created_by,
            created_at: item.created_at,
        }
    }
}

/// A side effect that was about to happen, written before the call.
#[derive(Clone, Debug, PartialEq)]
pub struct RunIntent {
    pub id: Uuid,
    pub run_id: RunId,
    pub node_execution_id: NodeRunId,
    /// `http`, `tool`, ….
    pub kind: String,
    pub idempotency_key: Option<String>,
    pub created_at: DateTime<Utc>,
}

impl From<entity::run_intents::Model> for RunIntent {
    fn from(row: entity::run_intents::Model) -> Self {
        Self {
            id: row.id,
            run_id: RunId(row.run_id),
            node_execution_id: NodeRunId(row.node_execution_id),
            kind: row.kind,
            idempotency_key: row.idempotency_key,
            created_at: row.created_at,
        }
    }
}

impl From<RunIntent> for entity::run_intents::Model {
    fn from(item: RunIntent) -> Self {
        Self {
            id: item.id,
            run_id: item.run_id.0,
            node_execution_id: item.node_execution_id.0,
            kind: item.kind,
            idempotency_key: item.idempotency_key,
            created_at: item.created_at,
        }
    }
}

/// A running server process; its lease covers all its runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Process {
    pub id: Uuid,
    pub host: String,
    pub pid: i64,
    pub started_at: DateTime<Utc>,
    pub heartbeat_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
}

impl From<entity::processes::Model> for Process {
    fn from(row: entity::processes::Model) -> Self {
        Self {
            id: row.id,
            host: row.host,
            pid: row.pid,
            started_at: row.started_at,
            heartbeat_at: row.heartbeat_at,
            expires_at: row.expires_at,
        }
    }
}

impl From<Process> for entity::processes::Model {
    fn from(item: Process) -> Self {
        Self {
            id: item.id,
            host: item.host,
            pid: item.pid,
            started_at: item.started_at,
            heartbeat_at: item.heartbeat_at,
            expires_at: item.expires_at,
        }
    }
}

/// From which run another one was made, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunOrigin {
    pub run_id: RunId,
    pub tenant_id: TenantId,
    pub app_id: AppId,
    pub parent_run_id: RunId,
    /// `replay` or `fork`.
    pub kind: String,
    /// Where a fork leaves its parent.
    pub node_id: Option<String>,
    pub created_by: Uuid,
    pub created_at: DateTime<Utc>,
}

impl From<entity::workflow_run_origins::Model> for RunOrigin {
    fn from(row: entity::workflow_run_origins::Model) -> Self {
        Self {
            run_id: RunId(row.run_id),
            tenant_id: TenantId(row.tenant_id),
            app_id: AppId(row.app_id),
            parent_run_id: RunId(row.parent_run_id),
            kind: row.kind,
            node_id: row.node_id,
            created_by: row.created_by,
            created_at: row.created_at,
        }
    }
}

impl From<RunOrigin> for entity::workflow_run_origins::Model {
    fn from(item: RunOrigin) -> Self {
        Self {
            run_id: item.run_id.0,
            tenant_id: item.tenant_id.0,
            app_id: item.app_id.0,
            parent_run_id: item.parent_run_id.0,
            kind: item.kind,
            node_id: item.node_id,
            created_by: item.created_by,
            created_at: item.created_at,
        }
    }
}
