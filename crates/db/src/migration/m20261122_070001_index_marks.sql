-- How far a vector store outside has read the changes of one generation of a dataset, and who writes to it now. A row
-- stays when its dataset or generation is gone, until its collection is gone from the store too.

CREATE TABLE index_marks (
    -- The store's name and place, as the driver tells them: another place starts anew.
    store {text} NOT NULL,
    dataset_id {uuid} NOT NULL,
    generation {int} NOT NULL,
    tenant_id {uuid} NOT NULL,
    -- The last change that is in, and its last node.
    seq {bigint} NOT NULL,
    node_id {uuid} NOT NULL,
    -- Once all was in: questions are answered from the store.
    is_ready {bool} NOT NULL,
    -- What failed last, how often in a row, and when it is tried again.
    error {text},
    attempts {int} NOT NULL,
    due_at {time} NOT NULL,
    leased_by {uuid},
    leased_until {time},
    PRIMARY KEY (store, dataset_id, generation)
);
CREATE INDEX ix_index_marks_dataset_id ON index_marks (dataset_id);
