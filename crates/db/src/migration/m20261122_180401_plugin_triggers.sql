-- What the published version of an app waits for: the subscription and the event of a trigger-plugin node.
ALTER TABLE app_triggers ADD COLUMN subscription_id {text} NOT NULL DEFAULT '';
ALTER TABLE app_triggers ADD COLUMN event_name {text} NOT NULL DEFAULT '';
CREATE INDEX ix_app_triggers_tenant_id_subscription_id ON app_triggers (tenant_id, subscription_id);
CREATE INDEX ix_workflow_plugin_triggers_tenant_id_subscription_id ON workflow_plugin_triggers (tenant_id, subscription_id);
