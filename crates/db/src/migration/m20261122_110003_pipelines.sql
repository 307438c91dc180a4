-- Where documents come from beside files: credentials of data sources, pages of websites; pipelines of knowledge bases;
-- keys of one knowledge base.
CREATE TABLE datasource_providers (
    id {uuid} NOT NULL PRIMARY KEY,
    tenant_id {uuid} NOT NULL,
    name {text} NOT NULL,
    provider {text} NOT NULL,
    plugin_id {text} NOT NULL,
    -- api-key, oauth2
    auth_type {text} NOT NULL,
    -- Secret fields are encrypted with the workspace's key.
    encrypted_credentials {json} NOT NULL,
    avatar_url {text},
    is_default {bool} NOT NULL,
    disabled {bool} NOT NULL,
    expires_at {bigint} NOT NULL,
    created_by {uuid} NOT NULL,
    created_at {time} NOT NULL,
    updated_at {time} NOT NULL
);
CREATE UNIQUE INDEX uq_datasource_providers_tenant_id_plugin_id_provider_name
    ON datasource_providers (tenant_id, plugin_id, provider, name);

CREATE TABLE website_crawls (
    tenant_id {uuid} NOT NULL,
    provider {text} NOT NULL,
    job_id {text} NOT NULL,
    credential_id {uuid} NOT NULL,
    url {text} NOT NULL,
    options {json} NOT NULL,
    -- Pages are there once it is set.
    finished_at {time},
    created_at {time} NOT NULL,
    PRIMARY KEY (tenant_id, provider, job_id)
);
CREATE INDEX ix_website_crawls_created_at ON website_crawls (created_at);

CREATE TABLE website_pages (
    tenant_id {uuid} NOT NULL,
    provider {text} NOT NULL,
    job_id {text} NOT NULL,
    position {int} NOT NULL,
    url {text} NOT NULL,
    title {text} NOT NULL,
    description {text} NOT NULL,
    content {text} NOT NULL,
    PRIMARY KEY (tenant_id, provider, job_id, position)
);

CREATE TABLE pipelines (
    id {uuid} NOT NULL PRIMARY KEY,
    tenant_id {uuid} NOT NULL,
    name {text} NOT NULL,
    description {text} NOT NULL,
    is_published {bool} NOT NULL,
    created_by {uuid} NOT NULL,
    created_at {time} NOT NULL,
    updated_at {time} NOT NULL
);
CREATE INDEX ix_pipelines_tenant_id ON pipelines (tenant_id);

CREATE TABLE document_pipeline_execution_logs (
    document_id {uuid} NOT NULL PRIMARY KEY,
    pipeline_id {uuid} NOT NULL,
    -- The version that makes it.
    workflow_id {uuid} NOT NULL,
    datasource_type {text} NOT NULL,
    datasource_info {json} NOT NULL,
    datasource_node_id {text} NOT NULL,
    input_data {json} NOT NULL,
    created_by {uuid} NOT NULL,
    created_at {time} NOT NULL
);
CREATE INDEX ix_document_pipeline_execution_logs_pipeline_id ON document_pipeline_execution_logs (pipeline_id);

CREATE TABLE dataset_keys (
    token_id {uuid} NOT NULL PRIMARY KEY,
    dataset_id {uuid} NOT NULL
);
CREATE INDEX ix_dataset_keys_dataset_id ON dataset_keys (dataset_id);
