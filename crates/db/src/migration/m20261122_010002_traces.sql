CREATE TABLE trace_app_config (
    id {uuid} NOT NULL PRIMARY KEY,
    tenant_id {uuid} NOT NULL,
    app_id {uuid} NOT NULL,
    tracing_provider {text} NOT NULL,
    tracing_config {json} NOT NULL,
    is_active {bool} NOT NULL,
    created_at {time} NOT NULL,
    updated_at {time} NOT NULL
);
CREATE UNIQUE INDEX uq_trace_app_config_app_id_tracing_provider ON trace_app_config (app_id, tracing_provider);
