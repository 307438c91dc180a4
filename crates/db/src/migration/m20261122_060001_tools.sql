-- Tools of workspaces: credentials of built-in providers, OpenAPI documents, workflows, MCP servers.
CREATE TABLE tool_builtin_providers (
    id {uuid} NOT NULL PRIMARY KEY,
    tenant_id {uuid} NOT NULL,
    user_id {uuid} NOT NULL,
    provider {text} NOT NULL,
    name {text} NOT NULL,
    -- Secret fields are encrypted with the workspace's key.
    encrypted_credentials {json} NOT NULL,
    is_default {bool} NOT NULL,
    credential_type {text} NOT NULL,
    expires_at {bigint} NOT NULL,
    created_at {time} NOT NULL,
    updated_at {time} NOT NULL
);
CREATE UNIQUE INDEX uq_tool_builtin_providers_tenant_id_provider_name
    ON tool_builtin_providers (tenant_id, provider, name);

CREATE TABLE tool_api_providers (
    id {uuid} NOT NULL PRIMARY KEY,
    tenant_id {uuid} NOT NULL,
    user_id {uuid} NOT NULL,
    name {text} NOT NULL,
    icon {json} NOT NULL,
    schema {text} NOT NULL,
    schema_type {text} NOT NULL,
    description {text} NOT NULL,
    -- The operations, as they were read from the schema.
    tools {json} NOT NULL,
    credentials {json} NOT NULL,
    privacy_policy {text},
    custom_disclaimer {text} NOT NULL,
    created_at {time} NOT NULL,
    updated_at {time} NOT NULL
);
CREATE UNIQUE INDEX uq_tool_api_providers_tenant_id_name ON tool_api_providers (tenant_id, name);

CREATE TABLE tool_workflow_providers (
    id {uuid} NOT NULL PRIMARY KEY,
    tenant_id {uuid} NOT NULL,
    app_id {uuid} NOT NULL,
    user_id {uuid} NOT NULL,
    name {text} NOT NULL,
    label {text} NOT NULL,
    icon {json} NOT NULL,
    -- Of the published workflow that the parameters were made for.
    version {text} NOT NULL,
    description {text} NOT NULL,
    parameter_configuration {json} NOT NULL,
    privacy_policy {text},
    created_at {time} NOT NULL,
    updated_at {time} NOT NULL
);
CREATE UNIQUE INDEX uq_tool_workflow_providers_tenant_id_name ON tool_workflow_providers (tenant_id, name);
CREATE UNIQUE INDEX uq_tool_workflow_providers_tenant_id_app_id ON tool_workflow_providers (tenant_id, app_id);
CREATE INDEX ix_tool_workflow_providers_app_id ON tool_workflow_providers (app_id);

CREATE TABLE tool_mcp_providers (
    id {uuid} NOT NULL PRIMARY KEY,
    tenant_id {uuid} NOT NULL,
    user_id {uuid} NOT NULL,
    name {text} NOT NULL,
    server_identifier {text} NOT NULL,
    -- Encrypted: addresses may hold keys.
    server_url {text} NOT NULL,
    server_url_hash {text} NOT NULL,
    icon {text} NOT NULL,
    authed {bool} NOT NULL,
    tools {json} NOT NULL,
    -- Tokens and client of OAuth, encrypted as one text.
    encrypted_credentials {text},
    encrypted_headers {text},
    timeout {double} NOT NULL,
    sse_read_timeout {double} NOT NULL,
    created_at {time} NOT NULL,
    updated_at {time} NOT NULL
);
CREATE UNIQUE INDEX uq_tool_mcp_providers_tenant_id_server_url_hash
    ON tool_mcp_providers (tenant_id, server_url_hash);
CREATE UNIQUE INDEX uq_tool_mcp_providers_tenant_id_name ON tool_mcp_providers (tenant_id, name);
CREATE UNIQUE INDEX uq_tool_mcp_providers_tenant_id_server_identifier
    ON tool_mcp_providers (tenant_id, server_identifier);

CREATE TABLE tool_label_bindings (
    id {uuid} NOT NULL PRIMARY KEY,
    tenant_id {uuid} NOT NULL,
    tool_id {text} NOT NULL,
    tool_type {text} NOT NULL,
    label_name {text} NOT NULL
);
CREATE UNIQUE INDEX uq_tool_label_bindings_tool_id_label_name ON tool_label_bindings (tenant_id, tool_id, label_name);
