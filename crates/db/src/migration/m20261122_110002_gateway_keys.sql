-- Keys by which somebody outside asks models through the gateway. Of the key itself only its hash is kept.

CREATE TABLE gateway_keys (
    id {uuid} NOT NULL PRIMARY KEY,
    tenant_id {uuid} NOT NULL,
    name {text} NOT NULL,
    token_hash {text} NOT NULL,
    token_prefix {text} NOT NULL,
    allowed_models {json},
    requests_per_minute {int},
    expires_at {time},
    enabled {bool} NOT NULL,
    created_by {uuid} NOT NULL,
    last_used_at {time},
    created_at {time} NOT NULL
);
CREATE UNIQUE INDEX uq_gateway_keys_token_hash ON gateway_keys (token_hash);
CREATE INDEX ix_gateway_keys_tenant_id ON gateway_keys (tenant_id);
