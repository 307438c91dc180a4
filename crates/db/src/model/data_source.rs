//! Where documents come from beside files: credentials, and pages of websites.

use chrono::{DateTime, Utc};
use ox_types::{AccountId, Json, TenantId};
use uuid::Uuid;

use crate::entity::{self, JsonText};

/// A credential of a data source.
#[derive(Clone, Debug, PartialEq)]
pub struct DataSourceCredential {
    pub id: Uuid,
    pub tenant_id: TenantId,
    pub name: String,
    pub provider: String,
    pub plugin_id: String,
    /// `api-key` or `oauth2`.
    pub auth_type: String,
    /// Values of its form; secret ones are encrypted.
    pub encrypted_credentials: Json,
    pub avatar_url: Option<String>,
    pub is_default: bool,
    pub disabled: bool,
    /// Unix seconds; -1: never.
    pub expires_at: i64,
    pub created_by: AccountId,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl From<entity::datasource_providers::Model> for DataSourceCredential {
    fn from(row: entity::datasource_providers::Model) -> Self {
        Self {
            id: row.id,
            tenant_id: TenantId(row.tenant_id),
            name: row.name,
            provider: row.provider,
            plugin_id: row.plugin_id,
            auth_type: row.auth_type,
            encrypted_credentials: row.encrypted_credentials.0,
            avatar_url: row.avatar_url,
            is_default: row.is_default,
            disabled: row.disabled,
            expires_at: row.expires_at,
            created_by: AccountId(row.created_by),
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

impl From<DataSourceCredential> for entity::datasource_providers::Model {
    fn from(item: DataSourceCredential) -> Self {
        Self {
            id: item.id,
            tenant_id: item.tenant_id.0,
            name: item.name,
            provider: item.provider,
            plugin_id: item.plugin_id,
            auth_type: item.auth_type,
            encrypted_credentials: JsonText(item.encrypted_credentials),
            avatar_url: item.avatar_url,
            is_default: item.is_default,
            disabled: item.disabled,
            expires_at: item.expires_at,
            created_by: item.created_by.0,
            created_at: item.created_at,
            updated_at: item.updated_at,
        }
    }
}

/// A crawl of a website that somebody else does for us.
#[derive(Clone, Debug, PartialEq)]
pub struct WebsiteCrawl {
    pub tenant_id: TenantId,
    pub provider: String,
    pub job_id: String,
    pub credential_id: Uuid,
    pub url: String,
    pub options: Json,
    /// Its pages are kept once it is set.
    pub finished_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
}

impl From<entity::website_crawls::Model> for WebsiteCrawl {
    fn from(row: entity::website_crawls::Model) -> Self {
        Self {
            tenant_id: TenantId(row.tenant_id),
            provider: row.provider,
            job_id: row.job_id,
            credential_id: row.credential_id,
            url: row.url,
            options: row.options.0,
            finished_at: row.finished_at,
            created_at: row.created_at,
        }
    }
}

impl From<WebsiteCrawl> for entity::website_crawls::Model {
    fn from(item: WebsiteCrawl) -> Self {
        Self {
            tenant_id: item.tenant_id.0,
            provider: item.provider,
            job_id: item.job_id,
            credential_id: item.credential_id,
            url: item.url,
            options: JsonText(item.options),
            finished_at: item.finished_at,
            created_at: item.created_at,
        }
    }
}

/// A page of a website, as Markdown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WebsitePage {
    pub url: String,
    pub title: String,
    pub description: String,
    pub content: String,
}

impl From<entity::website_pages::Model> for WebsitePage {
    fn from(row: entity::website_pages::Model) -> Self {
        Self { url: row.url, title: row.title, description: row.description, content: row.content }
    }
}
