-- Which roles may use a tool in the Studio; no row: every role that may build.
CREATE TABLE tool_permissions (
    id {uuid} NOT NULL PRIMARY KEY,
    tenant_id {uuid} NOT NULL,
    -- builtin, api, workflow, mcp
    provider_type {text} NOT NULL,
    provider_id {text} NOT NULL,
    -- Empty: all tools of the provider that have no row of their own.
    tool_name {text} NOT NULL,
    roles {json} NOT NULL,
    updated_by {uuid},
    updated_at {time} NOT NULL
);
CREATE UNIQUE INDEX uq_tool_permissions_tenant_id_provider_tool_name
    ON tool_permissions (tenant_id, provider_type, provider_id, tool_name);
