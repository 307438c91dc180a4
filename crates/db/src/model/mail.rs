//! Mails on their way.

use chrono::{DateTime, Utc};
use ox_types::{AppId, TenantId};
use uuid::Uuid;

use crate::entity;

/// A mail to one address: kept before anybody is told that it will be sent.
#[derive(Clone, Debug, PartialEq)]
pub struct OutgoingMail {
    pub id: Uuid,
    /// Empty for mails about an account.
    pub tenant_id: Option<TenantId>,
    /// The app whose run asks; the mail goes with it.
    pub app_id: Option<AppId>,
    /// `human_input`, `invitation`, `password_reset`.
    pub kind: String,
    /// The way to a form that this mail is.
    pub recipient_id: Option<Uuid>,
    pub address: String,
    pub subject: String,
    /// Emptied when the mail is over: links and codes in it are secrets.
    pub body: String,
    /// `pending`, `sent`, `failed`, `skipped`.
    pub status: String,
    pub attempts: i32,
    pub next_attempt_at: DateTime<Utc>,
    pub error: Option<String>,
    pub created_at: DateTime<Utc>,
    pub finished_at: Option<DateTime<Utc>>,
}

impl From<entity::mails::Model> for OutgoingMail {
    fn from(row: entity::mails::Model) -> Self {
        Self {
            id: row.id,
            tenant_id: row.tenant_id.map(TenantId),
            app_id: row.app_id.map(AppId),
            kind: row.kind,
            recipient_id: row.recipient_id,
            address: row.address,
            subject: row.subject,
            body: row.body,
            status: row.status,
            attempts: row.attempts,
            next_attempt_at: row.next_attempt_at,
            error: row.error,
            created_at: row.created_at,
            finished_at: row.finished_at,
        }
    }
}

impl From<OutgoingMail> for entity::mails::Model {
    fn from(item: OutgoingMail) -> Self {
        Self {
            id: item.id,
            tenant_id: item.tenant_id.map(|tenant| tenant.0),
            app_id: item.app_id.map(|app| app.0),
            kind: item.kind,
            recipient_id: item.recipient_id,
            address: item.address,
            subject: item.subject,
            body: item.body,
            status: item.status,
            attempts: item.attempts,
            next_attempt_at: item.next_attempt_at,
            error: item.error,
            created_at: item.created_at,
            finished_at: item.finished_at,
        }
    }
}
