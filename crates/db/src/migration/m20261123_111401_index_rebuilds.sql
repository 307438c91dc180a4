-- How far the last rebuild or move of a knowledge base's index is, whoever does it: one row for each knowledge base.
CREATE TABLE index_rebuilds (
    dataset_id {uuid} NOT NULL PRIMARY KEY,
    tenant_id {uuid} NOT NULL,
    -- The attempt: another one each time somebody begins or takes over, so that the one before notices.
    id {uuid} NOT NULL,
    -- rebuild, move
    kind {text} NOT NULL,
    -- studio: another server takes it over when its process dies; command: nobody does.
    origin {text} NOT NULL,
    -- local, or the name of a vector store
    target {text} NOT NULL,
    -- waiting, reading, graph
    phase {text} NOT NULL,
    done {bigint} NOT NULL,
    total {bigint} NOT NULL,
    -- A second, in this phase; NULL until there is something to count.
    rate {bigint},
    -- running, completed, error, stopped
    status {text} NOT NULL,
    error {text},
    -- How often a process has begun it.
    attempts {int} NOT NULL,
    leased_by {uuid},
    leased_until {time},
    -- NULL: a command.
    created_by {uuid},
    started_at {time} NOT NULL,
    updated_at {time} NOT NULL,
    finished_at {time}
);
CREATE INDEX ix_index_rebuilds_running ON index_rebuilds (started_at) WHERE status = 'running';
