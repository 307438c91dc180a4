-- Subscriptions of workspaces to the events of plugins.
CREATE TABLE trigger_subscriptions (
    id {uuid} NOT NULL PRIMARY KEY,
    tenant_id {uuid} NOT NULL,
    user_id {uuid} NOT NULL,
    provider_id {text} NOT NULL,
    name {text} NOT NULL,
    -- The last part of its address.
    endpoint_id {uuid} NOT NULL,
    -- api-key, oauth2, unauthorized
    credential_type {text} NOT NULL,
    parameters {json} NOT NULL,
    -- Credentials and properties, encrypted with the workspace's key.
    encrypted_secrets {text} NOT NULL,
    -- Unix seconds; -1: never.
    expires_at {bigint} NOT NULL,
    created_at {time} NOT NULL,
    updated_at {time} NOT NULL
);
CREATE UNIQUE INDEX uq_trigger_subscriptions_endpoint_id ON trigger_subscriptions (endpoint_id);
CREATE UNIQUE INDEX uq_trigger_subscriptions_tenant_id_provider_id_name
    ON trigger_subscriptions (tenant_id, provider_id, name);
