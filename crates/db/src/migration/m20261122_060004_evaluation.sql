-- Questions whose answers are known, and how well settings of a search find them.

CREATE TABLE retrieval_questions (
    id {uuid} NOT NULL PRIMARY KEY,
    tenant_id {uuid} NOT NULL,
    dataset_id {uuid} NOT NULL,
    question {text} NOT NULL,
    -- Of the question without differences of case and space: a question stands once.
    question_hash {text} NOT NULL,
    -- [{"document_id", "segment_id"}]: without a segment, any of the document.
    expected {json} NOT NULL,
    -- manual, test, csv or log
    source {text} NOT NULL,
    created_by {uuid} NOT NULL,
    updated_by {uuid},
    created_at {time} NOT NULL,
    updated_at {time} NOT NULL
);
CREATE UNIQUE INDEX uq_retrieval_questions_dataset_id_hash ON retrieval_questions (dataset_id, question_hash);
CREATE INDEX ix_retrieval_questions_dataset_id_created_at ON retrieval_questions (dataset_id, created_at, id);

CREATE TABLE retrieval_evaluations (
    id {uuid} NOT NULL PRIMARY KEY,
    tenant_id {uuid} NOT NULL,
    dataset_id {uuid} NOT NULL,
    -- [{"name", "retrieval_model"}]
    settings {json} NOT NULL,
    -- running, completed, stopped or error
    status {text} NOT NULL,
    error {text},
    total {int} NOT NULL,
    done {int} NOT NULL,
    -- The measures of each setting, once it ended.
    summary {json},
    leased_by {uuid},
    leased_until {time},
    created_by {uuid} NOT NULL,
    created_at {time} NOT NULL,
    finished_at {time}
);
CREATE INDEX ix_retrieval_evaluations_dataset_id_created_at ON retrieval_evaluations (dataset_id, created_at, id);
CREATE INDEX ix_retrieval_evaluations_running ON retrieval_evaluations (created_at, id) WHERE status = 'running';

CREATE TABLE retrieval_evaluation_results (
    evaluation_id {uuid} NOT NULL,
    question_id {uuid} NOT NULL,
    -- Which of the settings, from 0.
    setting {int} NOT NULL,
    dataset_id {uuid} NOT NULL,
    question {text} NOT NULL,
    expected {json} NOT NULL,
    found {json} NOT NULL,
    recall {double} NOT NULL,
    ndcg {double} NOT NULL,
    reciprocal_rank {double} NOT NULL,
    took_ms {double} NOT NULL,
    error {text},
    PRIMARY KEY (evaluation_id, question_id, setting)
);
CREATE INDEX ix_retrieval_evaluation_results_dataset_id ON retrieval_evaluation_results (dataset_id);
