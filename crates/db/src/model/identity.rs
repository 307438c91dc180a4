//! Accounts, workspaces, settings and audit.

use chrono::{DateTime, Utc};
use ox_types::{AccountId, Json, TenantId};
use uuid::Uuid;

use crate::entity::{self, JsonText};

/// A person who can sign in.
#[derive(Clone, Debug, PartialEq)]
pub struct Account {
    pub id: AccountId,
    pub name: String,
    /// Lower case.
    pub email: String,
    /// PHC string (argon2id), or base64 of an imported PBKDF2 digest, see `password_salt`.
    pub password: Option<String>,
    /// Only for imported PBKDF2 digests.
    pub password_salt: Option<String>,
    pub avatar: Option<String>,
    pub interface_language: Option<String>,
    pub interface_theme: Option<String>,
    pub timezone: Option<String>,
    pub last_login_at: Option<DateTime<Utc>>,
    pub last_login_ip: Option<String>,
    pub last_active_at: DateTime<Utc>,
    /// `pending`, `uninitialized`, `active`, `banned`, `closed`.
    pub status: String,
    pub initialized_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl From<entity::accounts::Model> for Account {
    fn from(row: entity::accounts::Model) -> Self {
        Self {
            id: AccountId(row.id),
            name: row.name,
            email: row.email,
            password: row.password,
            password_salt: row.password_salt,
            avatar: row.avatar,
            interface_language: row.interface_language,
            interface_theme: row.interface_theme,
            timezone: row.timezone,
            last_login_at: row.last_login_at,
            last_login_ip: row.last_login_ip,
            last_active_at: row.last_active_at,
            status: row.status,
            initialized_at: row.initialized_at,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

impl From<Account> for entity::accounts::Model {
    fn from(item: Account) -> Self {
        Self {
            id: item.id.0,
            name: item.name,
            email: item.email,
            password: item.password,
            password_salt: item.password_salt,
            avatar: item.avatar,
            interface_language: item.interface_language,
            interface_theme: item.interface_theme,
            timezone: item.timezone,
            last_login_at: item.last_login_at,
            last_login_ip: item.last_login_ip,
            last_active_at: item.last_active_at,
            status: item.status,
            initialized_at: item.initialized_at,
            created_at: item.created_at,
            updated_at: item.updated_at,
        }
    }
}

/// A workspace.
#[derive(Clone, Debug, PartialEq)]
pub struct Tenant {
    pub id: TenantId,
    pub name: String,
    /// Data key of the workspace, wrapped by `SECRET_KEY`.
    pub encrypted_data_key: Option<String>,
    pub plan: String,
    /// `normal` or `archive`.
    pub status: String,
    pub custom_config: Option<Json>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl From<entity::tenants::Model> for Tenant {
    fn from(row: entity::tenants::Model) -> Self {
        Self {
            id: TenantId(row.id),
            name: row.name,
            encrypted_data_key: row.encrypted_data_key,
            plan: row.plan,
            status: row.status,
            custom_config: row.custom_config.map(|json| json.0),
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

impl From<Tenant> for entity::tenants::Model {
    fn from(item: Tenant) -> Self {
        Self {
            id: item.id.0,
            name: item.name,
            encrypted_data_key: item.encrypted_data_key,
            plan: item.plan,
            status: item.status,
            custom_config: item.custom_config.map(JsonText),
            created_at: item.created_at,
            updated_at: item.updated_at,
        }
    }
}

/// Membership of an account in a workspace.
#[derive(Clone, Debug, PartialEq)]
pub struct TenantMember {
    pub id: Uuid,
    pub tenant_id: TenantId,
    pub account_id: AccountId,
    pub current: bool,
    /// `owner`, `admin`, `editor`, `normal`, `dataset_operator`.
    pub role: String,
    pub invited_by: Option<AccountId>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl From<entity::tenant_account_joins::Model> for TenantMember {
    fn from(row: entity::tenant_account_joins::Model) -> Self {
        Self {
            id: row.id,
            tenant_id: TenantId(row.tenant_id),
            account_id: AccountId(row.account_id),
            current: row.current,
            role: row.role,
            invited_by: row.invited_by.map(AccountId),
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

impl From<TenantMember> for entity::tenant_account_joins::Model {
    fn from(item: TenantMember) -> Self {
        Self {
            id: item.id,
            tenant_id: item.tenant_id.0,
            account_id: item.account_id.0,
            current: item.current,
            role: item.role,
            invited_by: item.invited_by.map(|id| id.0),
            created_at: item.created_at,
            updated_at: item.updated_at,
        }
    }
}

/// A linked identity of an outside provider.
#[derive(Clone, Debug, PartialEq)]
pub struct AccountIntegrate {
    pub id: Uuid,
    pub account_id: AccountId,
    pub provider: String,
    pub open_id: String,
    pub encrypted_token: String,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl From<entity::account_integrates::Model> for AccountIntegrate {
    fn from(row: entity::account_integrates::Model) -> Self {
        Self {
            id: row.id,
            account_id: AccountId(row.account_id),
            provider: row.provider,
            open_id: row.open_id,
            encrypted_token: row.encrypted_token,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

impl From<AccountIntegrate> for entity::account_integrates::Model {
    fn from(item: AccountIntegrate) -> Self {
        Self {
            id: item.id,
            account_id: item.account_id.0,
            provider: item.provider,
            open_id: item.open_id,
            encrypted_token: item.encrypted_token,
            created_at: item.created_at,
            updated_at: item.updated_at,
        }
    }
}

/// Present once set-up is finished.
#[derive(Clone, Debug, PartialEq)]
pub struct Setup {
    pub version: String,
    pub setup_at: DateTime<Utc>,
}

impl From<entity::dify_setups::Model> for Setup {
    fn from(row: entity::dify_setups::Model) -> Self {
        Self { version: row.version, setup_at: row.setup_at }
    }
}

impl From<Setup> for entity::dify_setups::Model {
    fn from(item: Setup) -> Self {
        Self { version: item.version, setup_at: item.setup_at }
    }
}

/// A setting of the whole installation.
#[derive(Clone, Debug, PartialEq)]
pub struct Setting {
    pub key: String,
    pub value: Json,
    pub updated_at: DateTime<Utc>,
}

impl From<entity::settings::Model> for Setting {
    fn from(row: entity::settings::Model) -> Self {
        Self { key: row.key, value: row.value.0, updated_at: row.updated_at }
    }
}

impl From<Setting> for entity::settings::Model {
    fn from(item: Setting) -> Self {
        Self { key: item.key, value: JsonText(item.value), updated_at: item.updated_at }
    }
}

/// Who did what to which object.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditEvent {
    pub id: Uuid,
    pub tenant_id: Option<TenantId>,
    pub account_id: Option<AccountId>,
    /// `account`, `end_user`, `api_key`, `system`.
    pub actor: String,
    /// `app.create`, `member.role`, …
    pub action: String,
    pub object_type: String,
    pub object_id: String,
    pub before: Option<Json>,
    pub after: Option<Json>,
    pub ip: Option<String>,
    pub request_id: Option<String>,
    pub created_at: DateTime<Utc>,
}

impl From<entity::audit_events::Model> for AuditEvent {
    fn from(row: entity::audit_events::Model) -> Self {
        Self {
            id: row.id,
            tenant_id: row.tenant_id.map(TenantId),
            account_id: row.account_id.map(AccountId),
            actor: row.actor,
            action: row.action,
            object_type: row.object_type,
            object_id: row.object_id,
            before: row.before.map(|json| json.0),
            after: row.after.map(|json| json.0),
            ip: row.ip,
            request_id: row.request_id,
            created_at: row.created_at,
        }
    }
}

impl From<AuditEvent> for entity::audit_events::Model {
    fn from(item: AuditEvent) -> Self {
        Self {
            id: item.id,
            tenant_id: item.tenant_id.map(|id| id.0),
            account_id: item.account_id.map(|id| id.0),
            actor: item.actor,
            action: item.action,
            object_type: item.object_type,
            object_id: item.object_id,
            before: item.before.map(JsonText),
            after: item.after.map(JsonText),
            ip: item.ip,
            request_id: item.request_id,
            created_at: item.created_at,
        }
    }
}

/// A value that lives for a time: sessions, one-time tokens, counters.
#[derive(Clone, Debug, PartialEq)]
pub struct KvEntry {
    pub key: String,
    pub value: String,
    pub expires_at: Option<DateTime<Utc>>,
}

impl From<entity::kv_entries::Model> for KvEntry {
    fn from(row: entity::kv_entries::Model) -> Self {
        Self { key: row.key, value: row.value, expires_at: row.expires_at }
    }
}

impl From<KvEntry> for entity::kv_entries::Model {
    fn from(item: KvEntry) -> Self {
        Self { key: item.key, value: item.value, expires_at: item.expires_at }
    }
}
