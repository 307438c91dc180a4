//! Waiting runs, their forms, idempotency keys and result webhooks.

use chrono::{DateTime, Utc};
use ox_types::{AppId, Json, MessageId, NodeRunId, RunId, TaskId, TenantId, WorkflowId};
use uuid::Uuid;

use crate::{entity, entity::JsonText};

/// A run that waits, or has waited: one row per run.
#[derive(Clone, Debug, PartialEq)]
pub struct WorkflowPause {
    pub id: Uuid,
    pub tenant_id: TenantId,
    pub app_id: AppId,
    pub workflow_id: WorkflowId,
    pub workflow_run_id: RunId,
    pub task_id: TaskId,
    pub reasons: Json,
    pub created_at: DateTime<Utc>,
    pub resumed_at: Option<DateTime<Utc>>,
}

impl From<entity::workflow_pauses::Model> for WorkflowPause {
    fn from(row: entity::workflow_pauses::Model) -> Self {
        Self {
            id: row.id,
            tenant_id: TenantId(row.tenant_id),
            app_id: AppId(row.app_id),
            workflow_id: WorkflowId(row.workflow_id),
            workflow_run_id: RunId(row.workflow_run_id),
            task_id: TaskId(row.task_id),
            reasons: row.reasons.0,
            created_at: row.created_at,
            resumed_at: row.resumed_at,
        }
    }
}

impl From<WorkflowPause> for entity::workflow_pauses::Model {
    fn from(item: WorkflowPause) -> Self {
        Self {
            id: item.id,
            tenant_id: item.tenant_id.0,
            app_id: item.app_id.0,
            workflow_id: item.workflow_id.0,
            workflow_run_id: item.workflow_run_id.0,
            task_id: item.task_id.0,
            reasons: JsonText(item.reasons),
            created_at: item.created_at,
            resumed_at: item.resumed_at,
        }
    }
}

/// What a waiting node asks of somebody.
#[derive(Clone, Debug, PartialEq)]
pub struct HumanInputForm {
    pub id: Uuid,
    pub tenant_id: TenantId,
    pub app_id: AppId,
    pub workflow_id: WorkflowId,
    pub workflow_run_id: RunId,
    pub node_execution_id: NodeRunId,
    pub node_id: String,
    pub node_title: String,
    /// `waiting`, `submitted`, `timeout` (of the node), `expired` (global limit, or the run was stopped).
    pub status: String,
    /// Content, inputs, actions, defaults and deliveries as they were when the run paused.
    pub definition: Json,
    pub expires_at: DateTime<Utc>,
    /// The limit of the installation comes before that of the node.
    pub expires_globally: bool,
    pub action_id: Option<String>,
    pub submitted_data: Option<Json>,
    pub submitted_by_role: Option<String>,
    pub submitted_by: Option<Uuid>,
    pub submitted_at: Option<DateTime<Utc>>,
    /// When the run went on with the answer.
    pub applied_at: Option<DateTime<Utc>>,
    /// When its mails were given out; empty while that is to be done.
    pub delivered_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
}

impl From<entity::human_input_forms::Model> for HumanInputForm {
    fn from(row: entity::human_input_forms::Model) -> Self {
        Self {
            id: row.id,
            tenant_id: TenantId(row.tenant_id),
            app_id: AppId(row.app_id),
            workflow_id: WorkflowId(row.workflow_id),
            workflow_run_id: RunId(row.workflow_run_id),
            node_execution_id: NodeRunId(row.node_execution_id),
            node_id: row.node_id,
            node_title: row.node_title,
            status: row.status,
            definition: row.definition.0,
            expires_at: row.expires_at,
            expires_globally: row.expires_globally,
            action_id: row.action_id,
            submitted_data: row.submitted_data.map(|json| json.0),
            submitted_by_role: row.submitted_by_role,
            submitted_by: row.submitted_by,
            submitted_at: row.submitted_at,
            applied_at: row.applied_at,
            delivered_at: row.delivered_at,
            created_at: row.created_at,
        }
    }
}

impl From<HumanInputForm> for entity::human_input_forms::Model {
    fn from(item: HumanInputForm) -> Self {
        Self {
            id: item.id,
            tenant_id: item.tenant_id.0,
            app_id: item.app_id.0,
            workflow_id: item.workflow_id.0,
            workflow_run_id: item.workflow_run_id.0,
            node_execution_id: item.node_execution_id.0,
            node_id: item.node_id,
            node_title: item.node_title,
            status: item.status,
            definition: JsonText(item.definition),
            expires_at: item.expires_at,
            expires_globally: item.expires_globally,
            action_id: item.action_id,
            submitted_data: item.submitted_data.map(JsonText),
            submitted_by_role: item.submitted_by_role,
            submitted_by: item.submitted_by,
            submitted_at: item.submitted_at,
            applied_at: item.applied_at,
            delivered_at: item.delivered_at,
            created_at: item.created_at,
        }
    }
}

/// One way to a form, with its secret token.
#[derive(Clone, Debug, PartialEq)]
pub struct FormRecipient {
    pub id: Uuid,
    pub tenant_id: TenantId,
    pub form_id: Uuid,
    /// `webapp`, `console`, `email`.
    pub kind: String,
    pub token: String,
    pub address: Option<String>,
    /// `ready`, `pending`, `sent`, `failed`.
    pub status: String,
    pub attempts: i32,
    pub next_attempt_at: Option<DateTime<Utc>>,
    pub error: Option<String>,
    pub created_at: DateTime<Utc>,
}

impl From<entity::human_input_recipients::Model> for FormRecipient {
    fn from(row: entity::human_input_recipients::Model) -> Self {
        Self {
            id: row.id,
            tenant_id: TenantId(row.tenant_id),
            form_id: row.form_id,
            kind: row.kind,
            token: row.token,
            address: row.address,
            status: row.status,
            attempts: row.attempts,
            next_attempt_at: row.next_attempt_at,
            error: row.error,
            created_at: row.created_at,
        }
    }
}

impl From<FormRecipient> for entity::human_input_recipients::Model {
    fn from(item: FormRecipient) -> Self {
        Self {
            id: item.id,
            tenant_id: item.tenant_id.0,
            form_id: item.form_id,
            kind: item.kind,
            token: item.token,
            address: item.address,
            status: item.status,
            attempts: item.attempts,
            next_attempt_at: item.next_attempt_at,
            error: item.error,
            created_at: item.created_at,
        }
    }
}

/// A caller's own name for a request, and the run it led to.
#[derive(Clone, Debug, PartialEq)]
pub struct IdempotencyKey {
    pub id: Uuid,
    pub tenant_id: TenantId,
    pub app_id: AppId,
    pub user_id: Uuid,
    pub key: String,
    pub request_hash: String,
    pub run_id: RunId,
    pub message_id: Option<MessageId>,
    /// When a request began to serve the key.
    pub claimed_at: DateTime<Utc>,
    pub created_at: DateTime<Utc>,
    /// What was answered, where the request was no run.
    pub answer: Option<String>,
}

impl From<entity::idempotency_keys::Model> for IdempotencyKey {
    fn from(row: entity::idempotency_keys::Model) -> Self {
        Self {
            id: row.id,
            tenant_id: TenantId(row.tenant_id),
            app_id: AppId(row.app_id),
            user_id: row.user_id,
            key: row.key,
            request_hash: row.request_hash,
            run_id: RunId(row.run_id),
            message_id: row.message_id.map(MessageId),
            claimed_at: row.claimed_at,
            created_at: row.created_at,
            answer: row.answer,
        }
    }
}

impl From<IdempotencyKey> for entity::idempotency_keys::Model {
    fn from(item: IdempotencyKey) -> Self {
        Self {
            id: item.id,
            tenant_id: item.tenant_id.0,
            app_id: item.app_id.0,
            user_id: item.user_id,
            key: item.key,
            request_hash: item.request_hash,
            run_id: item.run_id.0,
            message_id: item.message_id.map(|id| id.0),
            claimed_at: item.claimed_at,
            created_at: item.created_at,
            answer: item.answer,
        }
    }
}

/// Where the result of a run is sent.
#[derive(Clone, Debug, PartialEq)]
pub struct ResultWebhook {
    pub id: Uuid,
    pub tenant_id: TenantId,
    pub app_id: AppId,
    pub run_id: RunId,
    pub url: String,
    /// Sealed with the key of the workspace.
    pub secret: String,
    /// `pending`, `delivered`, `failed`.
    pub status: String,
    pub attempts: i32,
    pub next_attempt_at: DateTime<Utc>,
    pub last_status: Option<i32>,
    pub last_error: Option<String>,
    pub created_at: DateTime<Utc>,
    pub finished_at: Option<DateTime<Utc>>,
}

impl From<entity::result_webhooks::Model> for ResultWebhook {
    fn from(row: entity::result_webhooks::Model) -> Self {
        Self {
            id: row.id,
            tenant_id: TenantId(row.tenant_id),
            app_id: AppId(row.app_id),
            run_id: RunId(row.run_id),
            url: row.url,
            secret: row.secret,
            status: row.status,
            attempts: row.attempts,
            next_attempt_at: row.next_attempt_at,
            last_status: row.last_status,
            last_error: row.last_error,
            created_at: row.created_at,
            finished_at: row.finished_at,
        }
    }
}

impl From<ResultWebhook> for entity::result_webhooks::Model {
    fn from(item: ResultWebhook) -> Self {
        Self {
            id: item.id,
            tenant_id: item.tenant_id.0,
            app_id: item.app_id.0,
            run_id: item.run_id.0,
            url: item.url,
            secret: item.secret,
            status: item.status,
            attempts: item.attempts,
            next_attempt_at: item.next_attempt_at,
            last_status: item.last_status,
            last_error: item.last_error,
            created_at: item.created_at,
            finished_at: item.finished_at,
        }
    }
}
