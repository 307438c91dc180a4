-- Each member signs in with an account of their own.
ALTER TABLE tool_mcp_providers ADD COLUMN personal {bool} NOT NULL DEFAULT false;

-- What lets one member in at a tool provider.
CREATE TABLE tool_sign_ins (
    id {uuid} NOT NULL PRIMARY KEY,
    tenant_id {uuid} NOT NULL,
    -- mcp
    provider_kind {text} NOT NULL,
    provider_id {uuid} NOT NULL,
    account_id {uuid} NOT NULL,
    encrypted_tokens {text} NOT NULL,
    -- Without it the tokens do not end by themselves.
    expires_at {time},
    created_at {time} NOT NULL,
    updated_at {time} NOT NULL
);
CREATE UNIQUE INDEX uq_tool_sign_ins_tenant_id_provider_account
    ON tool_sign_ins (tenant_id, provider_kind, provider_id, account_id);
