-- Waiting runs, the forms they wait for, triggers with their logs, idempotency keys and result webhooks.

CREATE TABLE workflow_pauses (
    id {uuid} NOT NULL PRIMARY KEY,
    tenant_id {uuid} NOT NULL,
    app_id {uuid} NOT NULL,
    workflow_id {uuid} NOT NULL,
    workflow_run_id {uuid} NOT NULL,
    task_id {uuid} NOT NULL,
    reasons {json} NOT NULL,
    created_at {time} NOT NULL,
    resumed_at {time}
);
CREATE UNIQUE INDEX uq_workflow_pauses_workflow_run_id ON workflow_pauses (workflow_run_id);
CREATE INDEX ix_workflow_pauses_task_id ON workflow_pauses (task_id);

CREATE TABLE human_input_forms (
    id {uuid} NOT NULL PRIMARY KEY,
    tenant_id {uuid} NOT NULL,
    app_id {uuid} NOT NULL,
    workflow_id {uuid} NOT NULL,
    workflow_run_id {uuid} NOT NULL,
    node_execution_id {uuid} NOT NULL,
    node_id {text} NOT NULL,
    node_title {text} NOT NULL,
    status {text} NOT NULL,
    definition {json} NOT NULL,
    expires_at {time} NOT NULL,
    expires_globally {bool} NOT NULL,
    action_id {text},
    submitted_data {json},
    submitted_by_role {text},
    submitted_by {uuid},
    submitted_at {time},
    applied_at {time},
    delivered_at {time},
    created_at {time} NOT NULL
);
CREATE UNIQUE INDEX uq_human_input_forms_node_execution_id ON human_input_forms (node_execution_id);
CREATE INDEX ix_human_input_forms_workflow_run_id ON human_input_forms (workflow_run_id);
CREATE INDEX ix_human_input_forms_app_id ON human_input_forms (app_id);
CREATE INDEX ix_human_input_forms_expires_at ON human_input_forms (expires_at) WHERE status = 'waiting';
CREATE INDEX ix_human_input_forms_unapplied ON human_input_forms (status) WHERE applied_at IS NULL;

CREATE TABLE human_input_recipients (
    id {uuid} NOT NULL PRIMARY KEY,
    tenant_id {uuid} NOT NULL,
    form_id {uuid} NOT NULL,
    "type" {text} NOT NULL,
    token {text} NOT NULL,
    address {text},
    status {text} NOT NULL,
    attempts {int} NOT NULL,
    next_attempt_at {time},
    error {text},
    created_at {time} NOT NULL
);
CREATE UNIQUE INDEX uq_human_input_recipients_token ON human_input_recipients (token);
CREATE UNIQUE INDEX uq_human_input_recipients_form_id_type_address ON human_input_recipients (form_id, "type", address);
CREATE INDEX ix_human_input_recipients_pending ON human_input_recipients (next_attempt_at) WHERE status = 'pending';

CREATE TABLE idempotency_keys (
    id {uuid} NOT NULL PRIMARY KEY,
    tenant_id {uuid} NOT NULL,
    app_id {uuid} NOT NULL,
    user_id {uuid} NOT NULL,
    "key" {text} NOT NULL,
    request_hash {text} NOT NULL,
    run_id {uuid} NOT NULL,
    message_id {uuid},
    claimed_at {time} NOT NULL,
    created_at {time} NOT NULL
);
CREATE UNIQUE INDEX uq_idempotency_keys_app_id_user_id_key ON idempotency_keys (app_id, user_id, "key");
CREATE INDEX ix_idempotency_keys_created_at ON idempotency_keys (created_at);

CREATE TABLE result_webhooks (
    id {uuid} NOT NULL PRIMARY KEY,
    tenant_id {uuid} NOT NULL,
    app_id {uuid} NOT NULL,
    run_id {uuid} NOT NULL,
    url {text} NOT NULL,
    secret {text} NOT NULL,
    status {text} NOT NULL,
    attempts {int} NOT NULL,
    next_attempt_at {time} NOT NULL,
    last_status {int},
    last_error {text},
    created_at {time} NOT NULL,
    finished_at {time}
);
CREATE UNIQUE INDEX uq_result_webhooks_run_id ON result_webhooks (run_id);
CREATE INDEX ix_result_webhooks_pending ON result_webhooks (next_attempt_at) WHERE status = 'pending';

CREATE TABLE workflow_webhook_triggers (
    id {uuid} NOT NULL PRIMARY KEY,
    tenant_id {uuid} NOT NULL,
    app_id {uuid} NOT NULL,
    node_id {text} NOT NULL,
    webhook_id {text} NOT NULL,
    created_by {uuid} NOT NULL,
    created_at {time} NOT NULL,
    updated_at {time} NOT NULL
);
CREATE UNIQUE INDEX uq_workflow_webhook_triggers_webhook_id ON workflow_webhook_triggers (webhook_id);
CREATE UNIQUE INDEX uq_workflow_webhook_triggers_app_id_node_id ON workflow_webhook_triggers (app_id, node_id);

CREATE TABLE workflow_plugin_triggers (
    id {uuid} NOT NULL PRIMARY KEY,
    tenant_id {uuid} NOT NULL,
    app_id {uuid} NOT NULL,
    node_id {text} NOT NULL,
    provider_id {text} NOT NULL,
    event_name {text} NOT NULL,
    subscription_id {text} NOT NULL,
    created_at {time} NOT NULL,
    updated_at {time} NOT NULL
);
CREATE UNIQUE INDEX uq_workflow_plugin_triggers_app_id_node_id ON workflow_plugin_triggers (app_id, node_id);

CREATE TABLE app_triggers (
    id {uuid} NOT NULL PRIMARY KEY,
    tenant_id {uuid} NOT NULL,
    app_id {uuid} NOT NULL,
    node_id {text} NOT NULL,
    trigger_type {text} NOT NULL,
    title {text} NOT NULL,
    provider_name {text} NOT NULL,
    status {text} NOT NULL,
    created_at {time} NOT NULL,
    updated_at {time} NOT NULL
);
CREATE UNIQUE INDEX uq_app_triggers_app_id_node_id ON app_triggers (app_id, node_id);

CREATE TABLE workflow_schedule_plans (
    id {uuid} NOT NULL PRIMARY KEY,
    tenant_id {uuid} NOT NULL,
    app_id {uuid} NOT NULL,
    node_id {text} NOT NULL,
    cron_expression {text} NOT NULL,
    timezone {text} NOT NULL,
    next_run_at {time},
    created_at {time} NOT NULL,
    updated_at {time} NOT NULL
);
CREATE UNIQUE INDEX uq_workflow_schedule_plans_app_id_node_id ON workflow_schedule_plans (app_id, node_id);
CREATE INDEX ix_workflow_schedule_plans_next_run_at ON workflow_schedule_plans (next_run_at);

CREATE TABLE workflow_trigger_logs (
    id {uuid} NOT NULL PRIMARY KEY,
    tenant_id {uuid} NOT NULL,
    app_id {uuid} NOT NULL,
    workflow_id {uuid} NOT NULL,
    workflow_run_id {uuid} NOT NULL,
    root_node_id {text} NOT NULL,
    trigger_type {text} NOT NULL,
    trigger_metadata {json} NOT NULL,
    trigger_data {json} NOT NULL,
    inputs {json} NOT NULL,
    fire_key {text},
    status {text} NOT NULL,
    error {text},
    owner {uuid},
    retry_count {int} NOT NULL,
    created_by_role {text} NOT NULL,
    created_by {uuid} NOT NULL,
    triggered_at {time} NOT NULL,
    finished_at {time}
);
CREATE UNIQUE INDEX uq_workflow_trigger_logs_fire_key ON workflow_trigger_logs (fire_key);
CREATE INDEX ix_workflow_trigger_logs_app_id_triggered_at ON workflow_trigger_logs (app_id, triggered_at);
CREATE INDEX ix_workflow_trigger_logs_open ON workflow_trigger_logs (status) WHERE finished_at IS NULL;
CREATE INDEX ix_workflow_trigger_logs_workflow_run_id ON workflow_trigger_logs (workflow_run_id);
