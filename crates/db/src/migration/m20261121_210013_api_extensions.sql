-- A workspace's own services, which are asked about inputs and answers.
CREATE TABLE api_based_extensions (
    id {uuid} NOT NULL PRIMARY KEY,
    tenant_id {uuid} NOT NULL,
    name {text} NOT NULL,
    api_endpoint {text} NOT NULL,
    -- Encrypted with the workspace's key.
    api_key {text} NOT NULL,
    created_at {time} NOT NULL
);
CREATE UNIQUE INDEX uq_api_based_extensions_tenant_id_name ON api_based_extensions (tenant_id, name);
