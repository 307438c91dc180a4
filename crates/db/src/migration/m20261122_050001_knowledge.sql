-- Knowledge bases. What can be found is in `index_nodes` (with `embeddings`); every index, local or in another store,
-- is made from it and keeps how far it has read.

CREATE TABLE datasets (
    id {uuid} NOT NULL PRIMARY KEY,
    tenant_id {uuid} NOT NULL,
    name {text} NOT NULL,
    description {text},
    provider {text} NOT NULL,
    permission {text} NOT NULL,
    data_source_type {text},
    indexing_technique {text},
    index_struct {text},
    embedding_model {text},
    embedding_model_provider {text},
    keyword_number {int} NOT NULL,
    retrieval_model {json},
    summary_index_setting {json},
    built_in_field_enabled {bool} NOT NULL,
    icon_info {json},
    runtime_mode {text} NOT NULL,
    pipeline_id {uuid},
    chunk_structure {text},
    enable_api {bool} NOT NULL,
    is_multimodal {bool} NOT NULL,
    -- The number of the last change of `index_nodes`, taken in the transaction of the change.
    index_seq {bigint} NOT NULL,
    -- The generation that is searched. Another one is built beside it when the embedding model changes.
    index_generation {int} NOT NULL,
    -- Removed nodes up to this change are gone: who has read less starts anew.
    purged_seq {bigint} NOT NULL,
    created_by {uuid} NOT NULL,
    updated_by {uuid},
    created_at {time} NOT NULL,
    updated_at {time} NOT NULL
);
CREATE UNIQUE INDEX uq_datasets_tenant_id_name ON datasets (tenant_id, name);
CREATE INDEX ix_datasets_tenant_id_created_at ON datasets (tenant_id, created_at, id);

CREATE TABLE dataset_process_rules (
    id {uuid} NOT NULL PRIMARY KEY,
    dataset_id {uuid} NOT NULL,
    mode {text} NOT NULL,
    rules {json},
    created_by {uuid} NOT NULL,
    created_at {time} NOT NULL
);
CREATE INDEX ix_dataset_process_rules_dataset_id ON dataset_process_rules (dataset_id, created_at);

CREATE TABLE documents (
    id {uuid} NOT NULL PRIMARY KEY,
    tenant_id {uuid} NOT NULL,
    dataset_id {uuid} NOT NULL,
    position {int} NOT NULL,
    data_source_type {text} NOT NULL,
    data_source_info {json},
    dataset_process_rule_id {uuid},
    batch {text} NOT NULL,
    name {text} NOT NULL,
    created_from {text} NOT NULL,
    created_by {uuid} NOT NULL,
    file_id {uuid},
    word_count {bigint},
    tokens {bigint},
    indexing_latency {double},
    doc_type {text},
    doc_metadata {json},
    doc_form {text} NOT NULL,
    doc_language {text},
    need_summary {bool} NOT NULL,
    indexing_status {text} NOT NULL,
    error {text},
    is_paused {bool} NOT NULL,
    paused_by {uuid},
    enabled {bool} NOT NULL,
    disabled_by {uuid},
    archived {bool} NOT NULL,
    archived_by {uuid},
    archived_reason {text},
    processing_started_at {time},
    parsing_completed_at {time},
    cleaning_completed_at {time},
    splitting_completed_at {time},
    completed_at {time},
    paused_at {time},
    stopped_at {time},
    disabled_at {time},
    archived_at {time},
    -- The process that works on it, until when it has said it does, and how often one has begun.
    leased_by {uuid},
    leased_until {time},
    attempts {int} NOT NULL,
    created_at {time} NOT NULL,
    updated_at {time} NOT NULL
);
CREATE INDEX ix_documents_dataset_id_created_at ON documents (dataset_id, created_at, id);
CREATE INDEX ix_documents_dataset_id_batch ON documents (dataset_id, batch);
CREATE INDEX ix_documents_tenant_id ON documents (tenant_id);
CREATE INDEX ix_documents_unfinished ON documents (created_at, id)
    WHERE indexing_status IN ('waiting', 'parsing', 'cleaning', 'splitting', 'indexing');

CREATE TABLE document_segments (
    id {uuid} NOT NULL PRIMARY KEY,
    tenant_id {uuid} NOT NULL,
    dataset_id {uuid} NOT NULL,
    document_id {uuid} NOT NULL,
    position {int} NOT NULL,
    content {text} NOT NULL,
    answer {text},
    word_count {int} NOT NULL,
    tokens {int} NOT NULL,
    keywords {json},
    -- The page (from 0) and the headings it stands under; ours.
    page {int},
    heading {text},
    index_node_id {uuid},
    index_node_hash {text},
    hit_count {bigint} NOT NULL,
    enabled {bool} NOT NULL,
    disabled_at {time},
    disabled_by {uuid},
    status {text} NOT NULL,
    error {text},
    created_by {uuid} NOT NULL,
    updated_by {uuid},
    indexing_at {time},
    completed_at {time},
    stopped_at {time},
    created_at {time} NOT NULL,
    updated_at {time} NOT NULL
);
CREATE INDEX ix_document_segments_document_id_position ON document_segments (document_id, position);
CREATE INDEX ix_document_segments_dataset_id ON document_segments (dataset_id);

CREATE TABLE child_chunks (
    id {uuid} NOT NULL PRIMARY KEY,
    tenant_id {uuid} NOT NULL,
    dataset_id {uuid} NOT NULL,
    document_id {uuid} NOT NULL,
    segment_id {uuid} NOT NULL,
    position {int} NOT NULL,
    content {text} NOT NULL,
    word_count {int} NOT NULL,
    index_node_id {uuid},
    index_node_hash {text},
    "type" {text} NOT NULL,
    created_by {uuid} NOT NULL,
    updated_by {uuid},
    created_at {time} NOT NULL,
    updated_at {time} NOT NULL
);
CREATE INDEX ix_child_chunks_segment_id_position ON child_chunks (segment_id, position);
CREATE INDEX ix_child_chunks_document_id ON child_chunks (document_id);
CREATE INDEX ix_child_chunks_dataset_id ON child_chunks (dataset_id);

CREATE TABLE segment_attachment_bindings (
    id {uuid} NOT NULL PRIMARY KEY,
    tenant_id {uuid} NOT NULL,
    dataset_id {uuid} NOT NULL,
    document_id {uuid} NOT NULL,
    segment_id {uuid} NOT NULL,
    attachment_id {uuid} NOT NULL,
    created_at {time} NOT NULL
);
CREATE INDEX ix_segment_attachment_bindings_segment_id ON segment_attachment_bindings (segment_id);
CREATE INDEX ix_segment_attachment_bindings_document_id ON segment_attachment_bindings (document_id);

-- One vector for equal texts of a workspace and model.
CREATE TABLE embeddings (
    id {uuid} NOT NULL PRIMARY KEY,
    tenant_id {uuid} NOT NULL,
    provider_name {text} NOT NULL,
    model_name {text} NOT NULL,
    hash {text} NOT NULL,
    -- Normalised, 32-bit floats, little endian.
    embedding {bytes} NOT NULL,
    created_at {time} NOT NULL
);
CREATE UNIQUE INDEX uq_embeddings_hash ON embeddings (hash, model_name, provider_name, tenant_id);
CREATE INDEX ix_embeddings_tenant_id ON embeddings (tenant_id);

CREATE TABLE index_nodes (
    -- `index_node_id` of the segment or child chunk.
    id {uuid} NOT NULL,
    generation {int} NOT NULL,
    tenant_id {uuid} NOT NULL,
    dataset_id {uuid} NOT NULL,
    document_id {uuid} NOT NULL,
    segment_id {uuid} NOT NULL,
    -- segment, child, summary
    kind {text} NOT NULL,
    content {text} NOT NULL,
    keywords {json},
    embedding_id {uuid},
    -- Whether it is found: off while its segment or document is disabled or archived, and once it is removed.
    active {bool} NOT NULL,
    removed_at {time},
    seq {bigint} NOT NULL,
    PRIMARY KEY (id, generation)
);
CREATE INDEX ix_index_nodes_dataset_id_seq ON index_nodes (dataset_id, generation, seq, id);
CREATE INDEX ix_index_nodes_document_id ON index_nodes (document_id);
CREATE INDEX ix_index_nodes_segment_id ON index_nodes (segment_id);
CREATE INDEX ix_index_nodes_embedding_id ON index_nodes (embedding_id) WHERE embedding_id IS NOT NULL;
CREATE INDEX ix_index_nodes_removed_at ON index_nodes (removed_at) WHERE removed_at IS NOT NULL;

CREATE TABLE dataset_queries (
    id {uuid} NOT NULL PRIMARY KEY,
    tenant_id {uuid} NOT NULL,
    dataset_id {uuid} NOT NULL,
    content {text} NOT NULL,
    source {text} NOT NULL,
    source_app_id {uuid},
    created_by_role {text} NOT NULL,
    created_by {uuid} NOT NULL,
    created_at {time} NOT NULL
);
CREATE INDEX ix_dataset_queries_dataset_id_created_at ON dataset_queries (dataset_id, created_at, id);

CREATE TABLE dataset_permissions (
    dataset_id {uuid} NOT NULL,
    account_id {uuid} NOT NULL,
    tenant_id {uuid} NOT NULL,
    has_permission {bool} NOT NULL,
    created_at {time} NOT NULL,
    PRIMARY KEY (dataset_id, account_id)
);
CREATE INDEX ix_dataset_permissions_account_id ON dataset_permissions (account_id);

CREATE TABLE app_dataset_joins (
    app_id {uuid} NOT NULL,
    dataset_id {uuid} NOT NULL,
    created_at {time} NOT NULL,
    PRIMARY KEY (app_id, dataset_id)
);
CREATE INDEX ix_app_dataset_joins_dataset_id ON app_dataset_joins (dataset_id);

CREATE TABLE dataset_metadatas (
    id {uuid} NOT NULL PRIMARY KEY,
    tenant_id {uuid} NOT NULL,
    dataset_id {uuid} NOT NULL,
    "type" {text} NOT NULL,
    name {text} NOT NULL,
    created_by {uuid} NOT NULL,
    updated_by {uuid},
    created_at {time} NOT NULL,
    updated_at {time} NOT NULL
);
CREATE UNIQUE INDEX uq_dataset_metadatas_dataset_id_name ON dataset_metadatas (dataset_id, name);

CREATE TABLE dataset_metadata_bindings (
    metadata_id {uuid} NOT NULL,
    document_id {uuid} NOT NULL,
    tenant_id {uuid} NOT NULL,
    dataset_id {uuid} NOT NULL,
    created_by {uuid} NOT NULL,
    created_at {time} NOT NULL,
    PRIMARY KEY (metadata_id, document_id)
);
CREATE INDEX ix_dataset_metadata_bindings_document_id ON dataset_metadata_bindings (document_id);
CREATE INDEX ix_dataset_metadata_bindings_dataset_id ON dataset_metadata_bindings (dataset_id);

CREATE TABLE external_knowledge_apis (
    id {uuid} NOT NULL PRIMARY KEY,
    tenant_id {uuid} NOT NULL,
    name {text} NOT NULL,
    description {text} NOT NULL,
    -- {"endpoint", "api_key"}, the key encrypted.
    settings {json} NOT NULL,
    created_by {uuid} NOT NULL,
    updated_by {uuid},
    created_at {time} NOT NULL,
    updated_at {time} NOT NULL
);
CREATE INDEX ix_external_knowledge_apis_tenant_id ON external_knowledge_apis (tenant_id, created_at, id);

CREATE TABLE external_knowledge_bindings (
    dataset_id {uuid} NOT NULL PRIMARY KEY,
    tenant_id {uuid} NOT NULL,
    external_knowledge_api_id {uuid} NOT NULL,
    external_knowledge_id {text} NOT NULL,
    created_by {uuid} NOT NULL,
    created_at {time} NOT NULL
);
CREATE INDEX ix_external_knowledge_bindings_api_id ON external_knowledge_bindings (external_knowledge_api_id);
