-- What chunks are about, told by a model or by somebody. It is found beside its chunk: its node is in `index_nodes`.
CREATE TABLE document_segment_summaries (
    id {uuid} NOT NULL PRIMARY KEY,
    tenant_id {uuid} NOT NULL,
    dataset_id {uuid} NOT NULL,
    document_id {uuid} NOT NULL,
    chunk_id {uuid} NOT NULL,
    -- NULL until there is one.
    summary_content {text},
    summary_index_node_id {uuid} NOT NULL,
    summary_index_node_hash {text},
    tokens {int} NOT NULL,
    -- not_started, generating, completed, error, timeout
    status {text} NOT NULL,
    error {text},
    -- The process that makes it, until when it has said it does, and how often one has begun.
    leased_by {uuid},
    leased_until {time},
    attempts {int} NOT NULL,
    created_at {time} NOT NULL,
    updated_at {time} NOT NULL
);
CREATE UNIQUE INDEX uq_document_segment_summaries_chunk_id ON document_segment_summaries (chunk_id);
CREATE INDEX ix_document_segment_summaries_document_id ON document_segment_summaries (document_id);
CREATE INDEX ix_document_segment_summaries_dataset_id ON document_segment_summaries (dataset_id);
CREATE INDEX ix_document_segment_summaries_unfinished ON document_segment_summaries (created_at, id)
    WHERE status IN ('not_started', 'generating');
