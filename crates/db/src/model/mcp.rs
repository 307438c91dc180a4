//! MCP servers of apps.

use chrono::{DateTime, Utc};
use ox_types::{AppId, Json, TenantId};
use uuid::Uuid;

use crate::entity::{self, JsonText};

/// An app as a tool for models elsewhere.
#[derive(Clone, Debug, PartialEq)]
pub struct McpServer {
    pub id: Uuid,
    pub tenant_id: TenantId,
    pub app_id: AppId,
    pub name: String,
    pub description: String,
    /// The secret part of its address.
    pub server_code: String,
    /// `active` or `inactive`.
    pub status: String,
    /// Name of an input to its description.
    pub parameters: Json,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl From<entity::app_mcp_servers::Model> for McpServer {
    fn from(row: entity::app_mcp_servers::Model) -> Self {
        Self {
            id: row.id,
            tenant_id: TenantId(row.tenant_id),
            app_id: AppId(row.app_id),
            name: row.name,
            description: row.description,
            server_code: row.server_code,
            status: row.status,
            parameters: row.parameters.0,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

impl From<McpServer> for entity::app_mcp_servers::Model {
    fn from(item: McpServer) -> Self {
        Self {
            id: item.id,
            tenant_id: item.tenant_id.0,
            app_id: item.app_id.0,
            name: item.name,
            description: item.description,
            server_code: item.server_code,
            status: item.status,
            parameters: JsonText(item.parameters),
            created_at: item.created_at,
            updated_at: item.updated_at,
        }
    }
}
