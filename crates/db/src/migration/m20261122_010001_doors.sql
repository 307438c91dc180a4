-- Doors of apps: MCP servers, limits of keys, saved answers of requests, conversations that begin with a history.

CREATE TABLE app_mcp_servers (
    id {uuid} NOT NULL PRIMARY KEY,
    tenant_id {uuid} NOT NULL,
    app_id {uuid} NOT NULL,
    name {text} NOT NULL,
    description {text} NOT NULL,
    server_code {text} NOT NULL,
    status {text} NOT NULL,
    -- Name of an input to its description.
    parameters {json} NOT NULL,
    created_at {time} NOT NULL,
    updated_at {time} NOT NULL
);
CREATE UNIQUE INDEX uq_app_mcp_servers_server_code ON app_mcp_servers (server_code);
CREATE UNIQUE INDEX uq_app_mcp_servers_tenant_id_app_id ON app_mcp_servers (tenant_id, app_id);

-- What was said before a conversation began here, as its caller told it.
CREATE TABLE given_histories (
    conversation_id {uuid} NOT NULL PRIMARY KEY,
    app_id {uuid} NOT NULL,
    rounds {json} NOT NULL,
    created_at {time} NOT NULL
);
CREATE INDEX ix_given_histories_app_id ON given_histories (app_id);

-- Null is no limit, and every operation.
ALTER TABLE api_tokens ADD COLUMN requests_per_minute {int};
ALTER TABLE api_tokens ADD COLUMN concurrent_runs {int};
ALTER TABLE api_tokens ADD COLUMN scopes {text};

-- The answer of a request that is no run.
ALTER TABLE idempotency_keys ADD COLUMN answer {text};
