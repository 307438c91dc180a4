-- Credentials of tools may be personal: seen and used by the member alone who entered them.
ALTER TABLE tool_builtin_providers ADD COLUMN visibility {text} NOT NULL DEFAULT 'workspace';

-- A name that is taken tells nobody of another member's credentials.
DROP INDEX uq_tool_builtin_providers_tenant_id_provider_name;
CREATE UNIQUE INDEX uq_tool_builtin_providers_workspace
    ON tool_builtin_providers (tenant_id, provider, name) WHERE visibility = 'workspace';
CREATE UNIQUE INDEX uq_tool_builtin_providers_personal
    ON tool_builtin_providers (tenant_id, provider, user_id, name) WHERE visibility = 'personal';
