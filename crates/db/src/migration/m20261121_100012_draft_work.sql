-- Full contents of draft variables that are too large for their row.
CREATE TABLE workflow_draft_variable_files (
    id {uuid} NOT NULL PRIMARY KEY,
    tenant_id {uuid} NOT NULL,
    app_id {uuid} NOT NULL,
    user_id {uuid} NOT NULL,
    upload_file_id {uuid} NOT NULL,
    size {bigint} NOT NULL,
    length {int},
    value_type {text} NOT NULL,
    created_at {time} NOT NULL
);
CREATE INDEX ix_workflow_draft_variable_files_created_at ON workflow_draft_variable_files (created_at);
CREATE INDEX ix_workflow_draft_variables_file_id ON workflow_draft_variables (file_id) WHERE file_id IS NOT NULL;

-- Runs that were made from another run.
CREATE TABLE workflow_run_origins (
    run_id {uuid} NOT NULL PRIMARY KEY,
    tenant_id {uuid} NOT NULL,
    app_id {uuid} NOT NULL,
    parent_run_id {uuid} NOT NULL,
    kind {text} NOT NULL,
    node_id {text},
    created_by {uuid} NOT NULL,
    created_at {time} NOT NULL
);
CREATE INDEX ix_workflow_run_origins_parent_run_id ON workflow_run_origins (parent_run_id);
CREATE INDEX ix_workflow_run_origins_app_id ON workflow_run_origins (app_id);
