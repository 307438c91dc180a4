//! Tools of a workspace, as they are set up.

use chrono::{DateTime, Utc};
use ox_types::{AccountId, AppId, Json, TenantId};
use uuid::Uuid;

use crate::entity::{self, JsonText};

/// A credential of a built-in provider.
#[derive(Clone, Debug, PartialEq)]
pub struct ToolCredential {
    pub id: Uuid,
    pub tenant_id: TenantId,
    pub user_id: AccountId,
    pub provider: String,
    pub name: String,
    /// Values of its form; secret ones are encrypted.
    pub encrypted_credentials: Json,
    pub is_default: bool,
    /// `api-key` or `oauth2`.
    pub credential_type: String,
    /// Unix seconds; -1: never.
    pub expires_at: i64,
    /// `workspace`, or `personal`: for `user_id` alone.
    pub visibility: String,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl ToolCredential {
    /// `visibility` of one that every member may use.
    pub const WORKSPACE: &str = "workspace";
    /// `visibility` of one for the member alone who entered it.
    pub const PERSONAL: &str = "personal";

    /// For the member alone who entered it.
    #[must_use]
    pub fn is_personal(&self) -> bool {
        self.visibility == Self::PERSONAL
    }
}

impl From<entity::tool_builtin_providers::Model> for ToolCredential {
    fn from(row: entity::tool_builtin_providers::Model) -> Self {
        Self {
            id: row.id,
            tenant_id: TenantId(row.tenant_id),
            user_id: AccountId(row.user_id),
            provider: row.provider,
            name: row.name,
            encrypted_credentials: row.encrypted_credentials.0,
            is_default: row.is_default,
            credential_type: row.credential_type,
            expires_at: row.expires_at,
            visibility: row.visibility,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

impl From<ToolCredential> for entity::tool_builtin_providers::Model {
    fn from(item: ToolCredential) -> Self {
        Self {
            id: item.id,
            tenant_id: item.tenant_id.0,
            user_id: item.user_id.0,
            provider: item.provider,
            name: item.name,
            encrypted_credentials: JsonText(item.encrypted_credentials),
            is_default: item.is_default,
            credential_type: item.credential_type,
            expires_at: item.expires_at,
            visibility: item.visibility,
            created_at: item.created_at,
            updated_at: item.updated_at,
        }
    }
}

/// Tools that an OpenAPI document describes.
#[derive(Clone, Debug, PartialEq)]
pub struct ApiToolProvider {
    pub id: Uuid,
    pub tenant_id: TenantId,
    pub user_id: AccountId,
    pub name: String,
    pub icon: Json,
    /// The document as it was given.
    pub schema: String,
    /// `openapi`, `swagger`, `openai_plugin`, `openai_actions`.
    pub schema_type: String,
    pub description: String,
    /// The operations read from it.
    pub tools: Json,
    /// How calls are signed; secret values are encrypted.
    pub credentials: Json,
    pub privacy_policy: Option<String>,
    pub custom_disclaimer: String,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl From<entity::tool_api_providers::Model> for ApiToolProvider {
    fn from(row: entity::tool_api_providers::Model) -> Self {
        Self {
            id: row.id,
            tenant_id: TenantId(row.tenant_id),
            user_id: AccountId(row.user_id),
            name: row.name,
            icon: row.icon.0,
            schema: row.schema,
            schema_type: row.schema_type,
            description: row.description,
            tools: row.tools.0,
            credentials: row.credentials.0,
            privacy_policy: row.privacy_policy,
            custom_disclaimer: row.custom_disclaimer,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

impl From<ApiToolProvider> for entity::tool_api_providers::Model {
    fn from(item: ApiToolProvider) -> Self {
        Self {
            id: item.id,
            tenant_id: item.tenant_id.0,
            user_id: item.user_id.0,
            name: item.name,
            icon: JsonText(item.icon),
            schema: item.schema,
            schema_type: item.schema_type,
            description: item.description,
            tools: JsonText(item.tools),
            credentials: JsonText(item.credentials),
            privacy_policy: item.privacy_policy,
            custom_disclaimer: item.custom_disclaimer,
            created_at: item.created_at,
            updated_at: item.updated_at,
        }
    }
}

/// A workflow that is offered as a tool.
#[derive(Clone, Debug, PartialEq)]
pub struct WorkflowTool {
    pub id: Uuid,
    pub tenant_id: TenantId,
    pub app_id: AppId,
    pub user_id: AccountId,
    pub name: String,
    pub label: String,
    pub icon: Json,
    /// The published version its parameters were made for.
    pub version: String,
    pub description: String,
    pub parameter_configuration: Json,
    pub privacy_policy: Option<String>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl From<entity::tool_workflow_providers::Model> for WorkflowTool {
    fn from(row: entity::tool_workflow_providers::Model) -> Self {
        Self {
            id: row.id,
            tenant_id: TenantId(row.tenant_id),
            app_id: AppId(row.app_id),
            user_id: AccountId(row.user_id),
            name: row.name,
            label: row.label,
            icon: row.icon.0,
            version: row.version,
            description: row.description,
            parameter_configuration: row.parameter_configuration.0,
            privacy_policy: row.privacy_policy,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

impl From<WorkflowTool> for entity::tool_workflow_providers::Model {
    fn from(item: WorkflowTool) -> Self {
        Self {
            id: item.id,
            tenant_id: item.tenant_id.0,
            app_id: item.app_id.0,
            user_id: item.user_id.0,
            name: item.name,
            label: item.label,
            icon: JsonText(item.icon),
            version: item.version,
            description: item.description,
            parameter_configuration: JsonText(item.parameter_configuration),
            privacy_policy: item.privacy_policy,
            created_at: item.created_at,
            updated_at: item.updated_at,
        }
    }
}

/// An MCP server whose tools a workspace uses.
#[derive(Clone, Debug, PartialEq)]
pub struct McpProvider {
    pub id: Uuid,
    pub tenant_id: TenantId,
    pub user_id: AccountId,
    pub name: String,
    pub server_identifier: String,
    /// Encrypted.
    pub server_url: String,
    pub server_url_hash: String,
    pub icon: String,
    pub authed: bool,
    /// The tools it told of last.
    pub tools: Json,
    /// Tokens and client of OAuth.
    pub encrypted_credentials: Option<String>,
    pub encrypted_headers: Option<String>,
    /// Seconds for an answer to begin.
    pub timeout: f64,
    /// Seconds for a stream to say something.
    pub sse_read_timeout: f64,
    /// Each member signs in with an account of their own.
    pub personal: bool,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl From<entity::tool_mcp_providers::Model> for McpProvider {
    fn from(row: entity::tool_mcp_providers::Model) -> Self {
        Self {
            id: row.id,
            tenant_id: TenantId(row.tenant_id),
            user_id: AccountId(row.user_id),
            name: row.name,
            server_identifier: row.server_identifier,
            server_url: row.server_url,
            server_url_hash: row.server_url_hash,
            icon: row.icon,
            authed: row.authed,
            tools: row.tools.0,
            encrypted_credentials: row.encrypted_credentials,
            encrypted_headers: row.encrypted_headers,
            timeout: row.timeout,
            sse_read_timeout: row.sse_read_timeout,
            personal: row.personal,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

impl From<McpProvider> for entity::tool_mcp_providers::Model {
    fn from(item: McpProvider) -> Self {
        Self {
            id: item.id,
            tenant_id: item.tenant_id.0,
            user_id: item.user_id.0,
            name: item.name,
            server_identifier: item.server_identifier,
            server_url: item.server_url,
            server_url_hash: item.server_url_hash,
            icon: item.icon,
            authed: item.authed,
            tools: JsonText(item.tools),
            encrypted_credentials: item.encrypted_credentials,
            encrypted_headers: item.encrypted_headers,
            timeout: item.timeout,
            sse_read_timeout: item.sse_read_timeout,
            personal: item.personal,
            created_at: item.created_at,
            updated_at: item.updated_at,
        }
    }
}

/// What lets one member in at a tool provider.
#[derive(Clone, Debug, PartialEq)]
pub struct ToolSignIn {
    pub id: Uuid,
    pub tenant_id: TenantId,
    /// `mcp`.
    pub provider_kind: String,
    pub provider_id: Uuid,
    pub account_id: AccountId,
    pub encrypted_tokens: String,
    /// Without it the tokens do not end by themselves.
    pub expires_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl From<entity::tool_sign_ins::Model> for ToolSignIn {
    fn from(row: entity::tool_sign_ins::Model) -> Self {
        Self {
            id: row.id,
            tenant_id: TenantId(row.tenant_id),
            provider_kind: row.provider_kind,
            provider_id: row.provider_id,
            account_id: AccountId(row.account_id),
            encrypted_tokens: row.encrypted_tokens,
            expires_at: row.expires_at,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

impl From<ToolSignIn> for entity::tool_sign_ins::Model {
    fn from(item: ToolSignIn) -> Self {
        Self {
            id: item.id,
            tenant_id: item.tenant_id.0,
            provider_kind: item.provider_kind,
            provider_id: item.provider_id,
            account_id: item.account_id.0,
            encrypted_tokens: item.encrypted_tokens,
            expires_at: item.expires_at,
            created_at: item.created_at,
            updated_at: item.updated_at,
        }
    }
}

/// A label of a tool provider.
#[derive(Clone, Debug, PartialEq)]
pub struct ToolLabel {
    pub id: Uuid,
    pub tenant_id: TenantId,
    pub tool_id: String,
    pub tool_type: String,
    pub label_name: String,
}

impl From<entity::tool_label_bindings::Model> for ToolLabel {
    fn from(row: entity::tool_label_bindings::Model) -> Self {
        Self {
            id: row.id,
            tenant_id: TenantId(row.tenant_id),
            tool_id: row.tool_id,
            tool_type: row.tool_type,
            label_name: row.label_name,
        }
    }
}

impl From<ToolLabel> for entity::tool_label_bindings::Model {
    fn from(item: ToolLabel) -> Self {
        Self {
            id: item.id,
            tenant_id: item.tenant_id.0,
            tool_id: item.tool_id,
            tool_type: item.tool_type,
            label_name: item.label_name,
        }
    }
}

/// Which roles may use a tool, or all of a provider, in the Studio.
#[derive(Clone, Debug, PartialEq)]
pub struct ToolPermission {
    pub id: Uuid,
    pub tenant_id: TenantId,
    /// `builtin`, `api`, `workflow`, `mcp`.
    pub provider_type: String,
    pub provider_id: String,
    /// Empty: those of the provider without a rule of their own.
    pub tool_name: String,
    /// A list of names.
    pub roles: Json,
    pub updated_by: Option<AccountId>,
    pub updated_at: DateTime<Utc>,
}

impl From<entity::tool_permissions::Model> for ToolPermission {
    fn from(row: entity::tool_permissions::Model) -> Self {
        Self {
            id: row.id,
            tenant_id: TenantId(row.tenant_id),
            provider_type: row.provider_type,
            provider_id: row.provider_id,
            tool_name: row.tool_name,
            roles: row.roles.0,
            updated_by: row.updated_by.map(AccountId),
            updated_at: row.updated_at,
        }
    }
}

impl From<ToolPermission> for entity::tool_permissions::Model {
    fn from(item: ToolPermission) -> Self {
        Self {
            id: item.id,
            tenant_id: item.tenant_id.0,
            provider_type: item.provider_type,
            provider_id: item.provider_id,
            tool_name: item.tool_name,
            roles: JsonText(item.roles),
            updated_by: item.updated_by.map(|account| account.0),
            updated_at: item.updated_at,
        }
    }
}
