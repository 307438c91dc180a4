//! Triggers of apps and the events that reached them.

use chrono::{DateTime, Utc};
use ox_types::{AppId, Json, RunId, TenantId, WorkflowId};
use uuid::Uuid;

use crate::{entity, entity::JsonText};

/// The public address of a webhook node.
#[derive(Clone, Debug, PartialEq)]
pub struct WebhookTrigger {
    pub id: Uuid,
    pub tenant_id: TenantId,
    pub app_id: AppId,
    pub node_id: String,
    pub webhook_id: String,
    pub created_by: Uuid,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl From<entity::workflow_webhook_triggers::Model> for WebhookTrigger {
    fn from(row: entity::workflow_webhook_triggers::Model) -> Self {
        Self {
            id: row.id,
            tenant_id: TenantId(row.tenant_id),
            app_id: AppId(row.app_id),
            node_id: row.node_id,
            webhook_id: row.webhook_id,
            created_by: row.created_by,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

impl From<WebhookTrigger> for entity::workflow_webhook_triggers::Model {
    fn from(item: WebhookTrigger) -> Self {
        Self {
            id: item.id,
            tenant_id: item.tenant_id.0,
            app_id: item.app_id.0,
            node_id: item.node_id,
            webhook_id: item.webhook_id,
            created_by: item.created_by,
            created_at: item.created_at,
            updated_at: item.updated_at,
        }
    }
}

/// A node that a plugin's events start.
#[derive(Clone, Debug, PartialEq)]
pub struct PluginTrigger {
    pub id: Uuid,
    pub tenant_id: TenantId,
    pub app_id: AppId,
    pub node_id: String,
    pub provider_id: String,
    pub event_name: String,
    pub subscription_id: String,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl From<entity::workflow_plugin_triggers::Model> for PluginTrigger {
    fn from(row: entity::workflow_plugin_triggers::Model) -> Self {
        Self {
            id: row.id,
            tenant_id: TenantId(row.tenant_id),
            app_id: AppId(row.app_id),
            node_id: row.node_id,
            provider_id: row.provider_id,
            event_name: row.event_name,
            subscription_id: row.subscription_id,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

impl From<PluginTrigger> for entity::workflow_plugin_triggers::Model {
    fn from(item: PluginTrigger) -> Self {
        Self {
            id: item.id,
            tenant_id: item.tenant_id.0,
            app_id: item.app_id.0,
            node_id: item.node_id,
            provider_id: item.provider_id,
            event_name: item.event_name,
            subscription_id: item.subscription_id,
            created_at: item.created_at,
            updated_at: item.updated_at,
        }
    }
}

/// A trigger of the published version of an app.
#[derive(Clone, Debug, PartialEq)]
pub struct AppTrigger {
    pub id: Uuid,
    pub tenant_id: TenantId,
    pub app_id: AppId,
    pub node_id: String,
    pub trigger_type: String,
    pub title: String,
    pub provider_name: String,
    /// `enabled`, `disabled`, `unauthorized`, `rate_limited`.
    pub status: String,
    /// Of a plugin's trigger; empty with the others.
    pub subscription_id: String,
    pub event_name: String,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl From<entity::app_triggers::Model> for AppTrigger {
    fn from(row: entity::app_triggers::Model) -> Self {
        Self {
            id: row.id,
            tenant_id: TenantId(row.tenant_id),
            app_id: AppId(row.app_id),
            node_id: row.node_id,
            trigger_type: row.trigger_type,
            title: row.title,
            provider_name: row.provider_name,
            status: row.status,
            subscription_id: row.subscription_id,
            event_name: row.event_name,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

impl From<AppTrigger> for entity::app_triggers::Model {
    fn from(item: AppTrigger) -> Self {
        Self {
            id: item.id,
            tenant_id: item.tenant_id.0,
            app_id: item.app_id.0,
            node_id: item.node_id,
            trigger_type: item.trigger_type,
            title: item.title,
            provider_name: item.provider_name,
            status: item.status,
            subscription_id: item.subscription_id,
            event_name: item.event_name,
            created_at: item.created_at,
            updated_at: item.updated_at,
        }
    }
}

/// When the schedule of a published app fires next.
#[derive(Clone, Debug, PartialEq)]
pub struct SchedulePlan {
    pub id: Uuid,
    pub tenant_id: TenantId,
    pub app_id: AppId,
    pub node_id: String,
    pub cron_expression: String,
    pub timezone: String,
    pub next_run_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl From<entity::workflow_schedule_plans::Model> for SchedulePlan {
    fn from(row: entity::workflow_schedule_plans::Model) -> Self {
        Self {
            id: row.id,
            tenant_id: TenantId(row.tenant_id),
            app_id: AppId(row.app_id),
            node_id: row.node_id,
            cron_expression: row.cron_expression,
            timezone: row.timezone,
            next_run_at: row.next_run_at,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

impl From<SchedulePlan> for entity::workflow_schedule_plans::Model {
    fn from(item: SchedulePlan) -> Self {
        Self {
            id: item.id,
            tenant_id: item.tenant_id.0,
            app_id: item.app_id.0,
            node_id: item.node_id,
            cron_expression: item.cron_expression,
            timezone: item.timezone,
            next_run_at: item.next_run_at,
            created_at: item.created_at,
            updated_at: item.updated_at,
        }
    }
}

/// One event that reached a trigger.
#[derive(Clone, Debug, PartialEq)]
pub struct TriggerLog {
    pub id: Uuid,
    pub tenant_id: TenantId,
    pub app_id: AppId,
    pub workflow_id: WorkflowId,
    /// Chosen beforehand, so that an event never starts two runs.
    pub workflow_run_id: RunId,
    pub root_node_id: String,
    pub trigger_type: String,
    pub trigger_metadata: Json,
    pub trigger_data: Json,
    pub inputs: Json,
    /// Plan and due time of a schedule: each is there once.
    pub fire_key: Option<String>,
    /// `pending`, `queued`, `running`, `succeeded`, `paused`, `failed`, ….
    pub status: String,
    pub error: Option<String>,
    /// Process that starts the run.
    pub owner: Option<Uuid>,
    pub retry_count: i32,
    pub created_by_role: String,
    pub created_by: Uuid,
    pub triggered_at: DateTime<Utc>,
    pub finished_at: Option<DateTime<Utc>>,
}

impl From<entity::workflow_trigger_logs::Model> for TriggerLog {
    fn from(row: entity::workflow_trigger_logs::Model) -> Self {
        Self {
            id: row.id,
            tenant_id: TenantId(row.tenant_id),
            app_id: AppId(row.app_id),
            workflow_id: WorkflowId(row.workflow_id),
            workflow_run_id: RunId(row.workflow_run_id),
            root_node_id: row.root_node_id,
            trigger_type: row.trigger_type,
            trigger_metadata: row.trigger_metadata.0,
            trigger_data: row.trigger_data.0,
            inputs: row.inputs.0,
            fire_key: row.fire_key,
            status: row.status,
            error: row.error,
            owner: row.owner,
            retry_count: row.retry_count,
            created_by_role: row.created_by_role,
            created_by: row.created_by,
            triggered_at: row.triggered_at,
            finished_at: row.finished_at,
        }
    }
}

impl From<TriggerLog> for entity::workflow_trigger_logs::Model {
    fn from(item: TriggerLog) -> Self {
        Self {
            id: item.id,
            tenant_id: item.tenant_id.0,
            app_id: item.app_id.0,
            workflow_id: item.workflow_id.0,
            workflow_run_id: item.workflow_run_id.0,
            root_node_id: item.root_node_id,
            trigger_type: item.trigger_type,
            trigger_metadata: JsonText(item.trigger_metadata),
            trigger_data: JsonText(item.trigger_data),
            inputs: JsonText(item.inputs),
            fire_key: item.fire_key,
            status: item.status,
            error: item.error,
            owner: item.owner,
            retry_count: item.retry_count,
            created_by_role: item.created_by_role,
            created_by: item.created_by,
            triggered_at: item.triggered_at,
            finished_at: item.finished_at,
        }
    }
}
