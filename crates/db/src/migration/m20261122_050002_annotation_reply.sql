-- Apps that answer from their annotations; a row is the switch.

CREATE TABLE app_annotation_settings (
    app_id {uuid} NOT NULL PRIMARY KEY,
    id {uuid} NOT NULL,
    tenant_id {uuid} NOT NULL,
    score_threshold {double} NOT NULL,
    embedding_provider_name {text} NOT NULL,
    embedding_model_name {text} NOT NULL,
    -- Counts changes of the app's annotations, so that what is cached of them knows when it is old.
    version {bigint} NOT NULL,
    created_user_id {uuid} NOT NULL,
    updated_user_id {uuid} NOT NULL,
    created_at {time} NOT NULL,
    updated_at {time} NOT NULL
);
