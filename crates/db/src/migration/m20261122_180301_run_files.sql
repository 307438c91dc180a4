-- Files that the tools of a run have written; their bytes are in the object store. They go after the run's record.
CREATE TABLE run_files (
    id {uuid} NOT NULL PRIMARY KEY,
    tenant_id {uuid} NOT NULL,
    -- Of a run, or of the message that an agent answers.
    run_id {uuid} NOT NULL,
    name {text} NOT NULL,
    object_key {text} NOT NULL,
    size {bigint} NOT NULL,
    created_at {time} NOT NULL
);
CREATE UNIQUE INDEX uq_run_files_run_id_name ON run_files (run_id, name);
CREATE INDEX ix_run_files_created_at ON run_files (created_at);
