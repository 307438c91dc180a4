-- Models that are asked when one does not answer, in their order.

CREATE TABLE model_fallbacks (
    id {uuid} NOT NULL PRIMARY KEY,
    tenant_id {uuid} NOT NULL,
    provider_name {text} NOT NULL,
    model_name {text} NOT NULL,
    model_type {text} NOT NULL,
    position {int} NOT NULL,
    fallback_provider_name {text} NOT NULL,
    fallback_model_name {text} NOT NULL,
    created_at {time} NOT NULL
);
CREATE UNIQUE INDEX uq_model_fallbacks_tenant_id_provider_name_model_name_positio ON model_fallbacks (tenant_id, provider_name, model_name, model_type, position);
